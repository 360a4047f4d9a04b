"""Service credits: measured once, decided by a person, and a line of the next draft."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.coupons.fees import discount_fees
from billing.coupons.terms import CouponDuration
from billing.fees import ChargedLine, FeeContext
from billing.invoices.draft import DraftInvoice, draft_invoice
from billing.invoices.repository import load_invoice
from billing.line_kinds import LineKind
from billing.periods import Period
from billing.sides import Side
from billing.sla.assess import Attainment, Breach, is_attainment_wanted, record_attainment
from billing.sla.credits import SlaDecisionInput, decide_sla_credit, load_service_levels, set_sla_terms
from billing.sla.fees import sla_fees
from billing.sla.states import SlaState
from billing.sla.terms import SlaBand, SlaTermsInput, check_terms, credit_of, parse_bands
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import new_id
from tests.billing.conftest import APRIL, MARCH, Market
from tests.billing.coupons.test_coupons import give, make
from tests.billing.invoices.test_fees import fee, of

TERMS = SlaTermsInput(parse_bands("99.5=5, 98=10"), Decimal(8), "2026-03")
NOW = APRIL.start + timedelta(days=2)


def late(count: int, deliveries: int = 100) -> Attainment:
    due = datetime(2026, 3, 9, tzinfo=UTC)
    return Attainment(MARCH, deliveries, count, [Breach(new_id(), new_id(), due, None) for _ in range(count)])


async def measure(market: Market, found: Attainment) -> None:
    async with market.as_client() as session:
        await set_sla_terms(session, TERMS, now=NOW)
        assert await is_attainment_wanted(session, MARCH)
        await record_attainment(session, found, now=NOW, new_id=new_id)
        assert not await is_attainment_wanted(session, MARCH)
        await record_attainment(session, late(0), now=NOW, new_id=new_id)


async def decide(market: Market, *, approve: bool) -> None:
    async with market.as_client() as session:
        [month] = (await load_service_levels(session)).months
        decision = SlaDecisionInput(approve, "as agreed")
        await decide_sla_credit(session, month.id, decision, now=NOW, new_id=new_id)


async def draft(market: Market, period: Period = MARCH) -> DraftInvoice:
    sources = [of(fee(10_000), fee(3_000, LineKind.ONE_OFF)), discount_fees, sla_fees]
    async with market.as_client() as session:
        made = await draft_invoice(session, side=Side.RETAIL, period=period, now=NOW, sources=sources)
    assert made
    return made


async def test_an_approved_credit_names_its_breaches_on_the_invoice(priced: Market) -> None:
    found = late(3)
    await measure(priced, found)
    assert (await draft(priced)).total_minor == 13_000, "nobody approved it yet"
    await decide(priced, approve=True)
    made = await draft(priced)
    assert made.total_minor == 13_000 - 800  # 10 %, at most 8, of the subscription alone
    assert await draft(priced) == made
    async with priced.as_client() as session:
        [line] = [one for one in (await load_invoice(session, made.id)).lines if one.kind is LineKind.SLA_CREDIT]
        assert (line.cause["measured"], line.cause["target"], line.cause["month"]) == ("97 %", "99.5 %", "2026-03")
        assert line.cause["breaches"].split() == [f"{one.change_id}/{one.connection_id}" for one in found.breaches]
        [month] = (await load_service_levels(session)).months
        with pytest.raises(Conflict, match="does not wait"):
            await decide_sla_credit(session, month.id, SlaDecisionInput(False, "x"), now=NOW, new_id=new_id)
    assert (await draft(priced, APRIL)).total_minor == 13_000, "March has it"
    async with priced.another_client().as_client() as session:
        assert (await load_service_levels(session)).months == []
        with pytest.raises(NotFound):
            await decide_sla_credit(session, month.id, SlaDecisionInput(True, "x"), now=NOW, new_id=new_id)


async def in_berlin(_: AsyncSession) -> str:
    return "Europe/Berlin"


async def test_a_credit_is_of_what_is_left_after_discounts_here_and_on_earlier_invoices(priced: Market) -> None:
    await measure(priced, late(3))
    await make(priced, "HALF", percent=Decimal(50), duration=CouponDuration.MONTHS, months=1)
    await give(priced, "HALF")
    assert (await draft(priced)).total_minor == 6_500
    await decide(priced, approve=True)
    assert (await draft(priced)).total_minor == 6_500 - 400
    async with priced.as_client() as session:  # as if March had been fixed before the decision
        await session.execute(text("DELETE FROM invoice_line WHERE kind = 'sla_credit'"))
        assert (await draft_invoice(session, side=Side.RETAIL, period=APRIL, now=NOW, sources=[sla_fees])) is not None
        [amount] = await session.scalars(text("SELECT amount_minor FROM invoice_line WHERE kind = 'sla_credit'"))
    assert amount == -400


async def test_a_months_fees_are_those_of_the_clients_calendar(priced: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    await measure(priced, late(3))
    await decide(priced, approve=True)
    zone = ZoneInfo("Europe/Berlin")
    bounds = [one.replace(tzinfo=zone).astimezone(UTC) for one in (MARCH.start, MARCH.end)]
    local = replace(fee(10_000), service_from=bounds[0], service_until=bounds[1])
    async with priced.as_client() as session:
        context = FeeContext(new_id(), priced.client.tenant_id, Side.RETAIL, MARCH, "EUR")
        line = ChargedLine(new_id(), local.kind, local.product, 10_000, local.service_from, local.service_until)
        [utc] = await sla_fees(session, context, [line])
        assert utc.amount_minor == -round(800 * Fraction(743 - 1, 743))  # March has 743 hours there, one before UTC's
        monkeypatch.setattr("billing.sla.fees.load_time_zone", in_berlin)
        [own] = await sla_fees(session, context, [line])
    assert own.amount_minor == -800


async def test_without_a_month_terms_begin_with_that_of_the_clients_calendar(
    priced: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    last_hour = APRIL.start - timedelta(minutes=30)
    begins = []
    for zone in (None, in_berlin):
        if zone is not None:
            monkeypatch.setattr("billing.sla.credits.load_time_zone", zone)
        async with priced.as_client() as session:
            await set_sla_terms(session, replace(TERMS, from_month=""), now=last_hour)
            terms = (await load_service_levels(session)).terms
            begins.append(terms and terms.from_month.month)
    assert begins == [3, 4]


async def test_a_rejected_credit_stays_on_record_with_its_reason(priced: Market) -> None:
    await measure(priced, late(1))
    await decide(priced, approve=False)
    async with priced.as_client() as session:
        [month] = (await load_service_levels(session)).months
    assert (month.state, month.reason, month.credit_pct) == (SlaState.REJECTED, "as agreed", Decimal(5))
    assert (await draft(priced)).total_minor == 13_000


async def test_a_month_that_met_its_target_needs_no_decision(priced: Market) -> None:
    await measure(priced, late(0))
    async with priced.as_client() as session:
        [month] = (await load_service_levels(session)).months
    assert (month.state, month.attained_pct) == (SlaState.MET, Decimal(100))


def test_a_share_is_rounded_down_so_that_rounding_meets_no_target() -> None:
    assert late(1, 300).percent == Decimal("99.666")
    assert late(0, 0).percent == 100


@given(st.decimals(0, 100, places=3), st.decimals(0, 100, places=3))
def test_a_lower_attainment_never_gives_a_lower_credit(one: Decimal, other: Decimal) -> None:
    bands, low, high = check_terms(TERMS), min(one, other), max(one, other)
    assert credit_of(bands, TERMS.most_pct, low)[0] >= credit_of(bands, TERMS.most_pct, high)[0]


@pytest.mark.parametrize("bands", ["99.5=5, 98=3", "99.5=0", "101=5", "99=5, 99=6", "99", "x=5"])
def test_invalid_bands_are_refused(bands: str) -> None:
    with pytest.raises(InvalidInput):
        check_terms(SlaTermsInput(parse_bands(bands)))


def test_bands_are_read_from_text() -> None:
    wanted = [SlaBand(Decimal("99.5"), Decimal(5)), SlaBand(Decimal(98), Decimal(10))]
    assert parse_bands(" 99.5 % = 5; 98=10 ") == wanted
