"""Packs of units after voided invoices and withdrawals, and in concurrent transactions."""

import asyncio
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import text

from billing.invoices.draft import close_period, draft_invoice
from billing.invoices.settle import InvoiceAct, act_on_invoice
from billing.line_kinds import LineKind
from billing.packs.review import review_packs
from billing.packs.sell import withdraw_pack
from billing.periods import month_of
from billing.rating.tariffs import draft_keys, open_draft
from billing.sides import Side
from foundation.ids import new_id
from foundation.usage.ledger import Usage
from tests.billing.conftest import APRIL, MARCH, METER, START, Market, uses
from tests.billing.invoices.test_lifecycle import NOW, close, enter, issuing  # noqa: F401 - fixture
from tests.billing.packs.test_packs import draft, lines, packs_of, sell
from tests.billing.subscriptions.test_drafts import begin, bill, offer
from tests.billing.subscriptions.test_drafts import lines as kinds_of

MAY = month_of(APRIL.end)


async def void(market: Market, invoice_id: object) -> None:
    async with market.as_client() as session:
        await act_on_invoice(session, invoice_id, InvoiceAct.VOID, reason="wrong", now=NOW, new_id=new_id)  # type: ignore[arg-type]


async def withdraw(market: Market, pack_id: object) -> Decimal:
    async with market.as_client() as session:
        return await withdraw_pack(session, pack_id, "over", now=NOW, new_id=new_id)  # type: ignore[arg-type]


async def test_what_was_used_of_a_withdrawn_pack_stays_paid_when_its_invoice_is_voided(issuing: Market) -> None:  # noqa: F811
    """Otherwise the use of April would be free, and that of March charged in addition to the pack."""
    pack_id = await sell(issuing, "200")
    march = await close(issuing)
    await issuing.use(Usage(METER, new_id(), 30, APRIL.start))
    async with issuing.as_client() as session:
        await close_period(session, side=Side.RETAIL, period=APRIL, now=MAY.start)
    assert await withdraw(issuing, pack_id) == 50
    await void(issuing, march.invoice.id)
    assert sorted(lines(await draft(issuing, MAY, MAY.start))) == [
        (LineKind.UNIT_PACK, 1, 0, 500), (LineKind.UNITS_DRAWN, 120, 0, 0), (LineKind.USAGE, 120, 120, 0),
    ]  # fmt: skip
    await issuing.use(Usage(METER, new_id(), 7, MAY.start))
    assert (LineKind.USAGE, 7, 5, 20) in lines(await draft(issuing, MAY, MAY.start)), "what was withdrawn is not used"
    [pack] = await packs_of(issuing)
    assert pack.left == 0


async def test_a_pack_without_use_is_charged_again_after_a_void(priced: Market) -> None:
    await enter(priced)
    await sell(priced)
    march = await close(priced)
    await void(priced, march.invoice.id)
    asked = text("SELECT count(*) FROM job WHERE kind = 'billing.draft_again'")
    counts = []
    for _ in range(3):
        async with priced.as_client() as session:
            counts.append(await session.scalar(asked))
            await review_packs(session, NOW, new_id=new_id)
            await draft_invoice(session, side=Side.RETAIL, period=APRIL, now=NOW)
    assert [one - counts[0] for one in counts] == [0, 1, 1], "until a draft charges it"
    assert lines(await draft(priced, APRIL)) == [(LineKind.UNIT_PACK, 1, 0, 500)]


async def test_two_reviews_at_once_end_a_pack_once(issuing: Market) -> None:  # noqa: F811
    await sell(issuing, "150", months=1, rollover_units=Decimal(10))
    await close(issuing)
    at_once = asyncio.Barrier(2)

    async def review() -> None:
        async with issuing.as_client() as session:
            await session.execute(text("SELECT 1"))
            await at_once.wait()
            await review_packs(session, APRIL.start + timedelta(days=5), new_id=new_id)

    await asyncio.gather(review(), review())
    kept, ended = await packs_of(issuing)
    assert (kept.units, kept.left, ended.left) == (10, 10, 0)
    assert [(str(one.kind), one.quantity) for one in ended.entries] == [
        ("sold", 150), ("drawn", -120), ("rolled_over", -10), ("expired", -20),
    ]  # fmt: skip


async def test_a_pack_that_is_not_charged_in_the_drafts_currency_covers_nothing(issuing: Market) -> None:  # noqa: F811
    await sell(issuing, months=1, rollover_units=Decimal(10))
    await issuing.open_book(Side.RETAIL, "USD", own=True)
    await issuing.price(Side.RETAIL, "0.20", own=True)
    found = await draft(issuing)
    await close(issuing)
    async with issuing.as_client() as session:
        await review_packs(session, APRIL.start + timedelta(days=5), new_id=new_id)
    assert [one.ended_as for one in await packs_of(issuing)] == [None], "nor are its units kept free of charge"
    assert (found.invoice.currency, lines(found)) == ("USD", [(LineKind.USAGE, 120, 0, 2400)])


async def test_drafts_are_not_computed_again_for_a_pack_that_none_of_them_can_charge(priced: Market) -> None:
    async def redrafts() -> int:
        async with priced.as_client() as session:
            await review_packs(session, NOW, new_id=new_id)
        async with priced.as_client() as session:
            return int(await session.scalar(text("SELECT count(*) FROM job WHERE kind = 'billing.draft_again'")) or 0)

    await sell(priced)
    before = await redrafts()
    await priced.open_book(Side.RETAIL, "USD", own=True)
    assert await redrafts() == before, "the next draft is in dollars"
    async with priced.as_client() as session:
        period = month_of(NOW)
        keys = draft_keys(priced.client, Side.RETAIL, period)
        await open_draft(session, keys, "EUR", period, NOW)
    assert await redrafts() == before + 1


async def test_a_paid_pack_covers_use_of_another_currency(issuing: Market) -> None:  # noqa: F811
    await sell(issuing, "150")
    assert lines(await close(issuing))[0] == (LineKind.UNIT_PACK, 1, 0, 500)
    await issuing.open_book(Side.RETAIL, "USD", own=True)
    await issuing.price(Side.RETAIL, "0.20", at=APRIL.start, own=True)
    await issuing.use(Usage(METER, new_id(), 40, APRIL.start))
    assert lines(await draft(issuing, APRIL))[0] == (LineKind.USAGE, 40, 30, 200)


async def test_a_pack_counts_for_the_commitment_of_its_own_month(priced: Market) -> None:
    await offer(priced, "bound", "10", commitment=Decimal(40))
    await begin(priced, "bound", START)
    await priced.use(*uses(15))
    await sell(priced, "15")
    await bill(priced, MARCH.end - timedelta(hours=1))
    assert sorted((kind, amount) for kind, _, amount in (await kinds_of(priced))["03"]) == [
        ("commitment", 4000 - 1500), ("subscription", 1000), ("unit_pack", 500), ("units_drawn", 0), ("usage", 0),
    ]  # fmt: skip
