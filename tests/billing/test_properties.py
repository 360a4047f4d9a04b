"""Properties: any order and repetition of reports and ratings gives the same invoice and events on both sides."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from billing.invoices.draft import DraftInvoice
from billing.periods import Period
from billing.price_books.pricing import Terms, charge
from billing.pricing.tiers import PriceTier
from billing.reconciliation.queries import reconcile
from billing.sides import Side
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.usage.ledger import Usage
from tests.billing.conftest import MARCH, METER, START, Market
from tests.conftest import make_scope

MIDDLE = START + timedelta(days=15)
FIRST = Terms(Decimal("0.015"), included=Decimal(20))
SECOND = Terms(
    Decimal("0.02"),
    included=Decimal(30),
    tiers=(PriceTier(Decimal(25), Decimal("0.02")), PriceTier(None, Decimal("0.005"))),
)


@dataclass(frozen=True)
class Report:
    """An event, the number of its reports, and the rating runs between them."""

    minute: int
    quantity: int
    times: int


reports = st.lists(
    st.builds(Report, st.integers(0, 31 * 24 * 60 - 1), st.integers(0, 40), st.integers(1, 3)), min_size=1, max_size=20
)


@given(
    found=reports,
    currency=st.sampled_from(["JPY", "EUR", "KWD"]),
    batches=st.integers(1, 4),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=25)
async def test_order_duplicates_and_reruns_do_not_matter(
    db: Database, found: list[Report], currency: str, batches: int, order: Random
) -> None:
    market = await _market(db, currency)
    events = [(Usage(METER, new_id(), r.quantity, START + timedelta(minutes=r.minute)), r.times) for r in found]
    shuffled = [use for use, times in events for _ in range(times)]
    order.shuffle(shuffled)
    for number in range(batches):
        await market.use(*shuffled[number::batches])
        for side in Side:
            await market.rate(side)

    drafts = {side: await market.rate(side) for side in Side}

    for side, draft in drafts.items():
        assert draft is not None
        assert draft == await market.rate(side)
        assert draft.events == len(found)
        assert draft.total_minor == _expected(found, currency)
        await _check_lines(market, draft, sum(report.quantity for report in found))
    async with market.as_client() as session:
        result = await reconcile(session, period=MARCH)
    assert result.holds
    (meter,) = result.meters
    assert (meter.accepted, meter.retail.rated, meter.wholesale.rated) == (len(found),) * 3


@given(found=reports, cut=st.integers(1, 31 * 24 * 60 - 1))
@settings(max_examples=10)
async def test_split_periods_bill_each_event_once(db: Database, found: list[Report], cut: int) -> None:
    market = await _market(db, "EUR")
    border = START + timedelta(minutes=cut)
    await market.use(*(Usage(METER, new_id(), r.quantity, START + timedelta(minutes=r.minute)) for r in found))
    halves = [Period(MARCH.start, border), Period(border, MARCH.end)]
    drafts = [await market.rate(Side.RETAIL, half) for half in (*halves, *reversed(halves))]
    assert sum(draft.events for draft in drafts[:2] if draft) == len(found)
    assert drafts[2:] == [drafts[1], drafts[0]]
    for half, draft in zip(halves, drafts, strict=False):
        inside = [report for report in found if half.start <= START + timedelta(minutes=report.minute) < half.end]
        assert (draft.events if draft else 0) == len(inside)
        assert (draft.total_minor if draft else 0) == _expected(inside, "EUR")


async def _market(db: Database, currency: str) -> Market:
    msp_id = new_id()
    msp_account = make_scope(msp_id=msp_id, tenant_id=msp_id)
    market = Market(db, msp_account, make_scope(msp_id=msp_id))
    for side in Side:
        await market.open_book(side, currency)
        for terms, at in ((FIRST, START), (SECOND, MIDDLE)):
            await market.price(side, str(terms.unit_price), at=at, included=int(terms.included), tiers=terms.tiers)
    return market


def _expected(found: list[Report], currency: str) -> int:
    early = sum(r.quantity for r in found if START + timedelta(minutes=r.minute) < MIDDLE)
    late = sum(r.quantity for r in found) - early
    return (
        charge(FIRST, before=0, quantity=early, currency=currency).amount_minor
        + charge(SECOND, before=early, quantity=late, currency=currency).amount_minor
    )


async def _check_lines(market: Market, draft: DraftInvoice, quantity: int) -> None:
    scope = market.msp_account.for_fleet() if draft.side is Side.WHOLESALE else market.client
    async with market.db.transaction(scope) as session:
        lines = (
            await session.execute(text("SELECT * FROM invoice_line WHERE invoice_id = :id"), {"id": draft.id})
        ).all()
    assert sum(line.amount_minor for line in lines) == draft.total_minor
    assert sum(line.quantity for line in lines) == quantity
