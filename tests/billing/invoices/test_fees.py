"""Lines of a draft that are not usage."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.fees import ChargedLine, Fee, FeeContext, FeeSource
from billing.invoices.draft import DraftInvoice, draft_invoice, draft_wholesale
from billing.invoices.repository import load_invoice
from billing.line_kinds import LineKind, describe_line
from billing.sides import Side
from foundation.i18n.localizer import Localizer
from tests.billing.conftest import APRIL, MARCH, Market, uses


def fee(amount: int, kind: LineKind = LineKind.SUBSCRIPTION, key: str = "one") -> Fee:
    sign = -1 if amount < 0 else 1
    return Fee(
        key=key, kind=kind, name="Basic plan", product="basic", service_from=MARCH.start, service_until=MARCH.end,
        quantity=Decimal(sign), unit_price=Decimal(abs(amount)) / 100, amount_minor=amount, cause={"plan": "basic"},
    )  # fmt: skip


def of(*fees: Fee) -> FeeSource:
    async def source(_session: AsyncSession, _context: FeeContext, _lines: Sequence[ChargedLine]) -> Sequence[Fee]:
        return fees

    return source


async def tenth_off(_session: AsyncSession, _context: FeeContext, lines: Sequence[ChargedLine]) -> Sequence[Fee]:
    return [fee(-sum(line.amount_minor for line in lines) // 10, LineKind.DISCOUNT)]


async def draft(market: Market, *sources: FeeSource) -> DraftInvoice | None:
    async with market.as_client() as session:
        return await draft_invoice(session, side=Side.RETAIL, period=MARCH, now=market.now, sources=sources)


async def test_fees_are_listed_beside_usage_and_later_sources_get_both(priced: Market) -> None:
    await priced.use(*uses(15))
    before = await priced.rate(Side.RETAIL)
    made = await draft(priced, of(fee(2500)), tenth_off)
    assert before
    assert made
    assert (before.total_minor, made.total_minor, made.lines, made.events) == (100, 2500 + 100 - 260, 3, 15)
    assert await draft(priced, of(fee(2500)), tenth_off) == made
    assert await draft(priced) == before
    async with priced.as_client() as session:
        assert [line.kind for line in (await load_invoice(session, made.id)).lines] == [LineKind.USAGE]


async def test_an_unchanged_fee_is_not_written_again(priced: Market) -> None:
    await draft(priced, of(fee(2500), fee(900, LineKind.ONE_OFF)))
    rows = text("SELECT kind, xmin::text AS version, amount_minor FROM invoice_line ORDER BY kind DESC")
    async with priced.as_client() as session:
        first = (await session.execute(rows)).all()
    await draft(priced, of(fee(2500), fee(800, LineKind.ONE_OFF)))
    async with priced.as_client() as session:
        second = (await session.execute(rows)).all()
    assert first[0] == second[0]
    assert [(row.kind, row.amount_minor) for row in second] == [("subscription", 2500), ("one_off", 800)]


async def test_a_month_without_usage_is_invoiced_for_its_fees_alone(priced: Market) -> None:
    made = await draft(priced, of(fee(2500)))
    assert made
    assert (made.total_minor, made.events, made.currency) == (2500, 0, "EUR")
    async with priced.as_client() as session:
        [line] = (await load_invoice(session, made.id)).lines
    assert (line.product, line.meter, line.cause, line.last_at) == (
        "basic", "", {"plan": "basic"}, datetime(2026, 3, 31, 23, 59, 59, 999999, UTC),
    )  # fmt: skip
    async with priced.another_client().as_client() as session:
        assert await session.scalar(text("SELECT count(*) FROM invoice_line")) == 0


async def test_a_client_without_prices_and_fees_has_no_draft(market: Market, priced: Market) -> None:
    assert await draft(priced) is None
    async with market.another_client().as_client() as session:
        assert await draft_invoice(session, side=Side.RETAIL, period=APRIL, now=market.now) is None


async def test_the_wholesale_total_includes_the_fees(priced: Market) -> None:
    async with priced.as_client() as session:
        await draft_invoice(
            session, side=Side.WHOLESALE, period=MARCH, now=priced.now, sources=[of(fee(700, LineKind.MINIMUM))]
        )
    async with priced.as_msp_account() as session:
        total = await draft_wholesale(session, period=MARCH, now=priced.now)
    assert total
    assert (total.total_minor, total.lines) == (700, 1)


def test_a_line_names_its_kind_where_its_name_does_not_show_it() -> None:
    english, german = Localizer(), Localizer("de")
    assert describe_line(LineKind.SUBSCRIPTION, "Basic plan", english) == "Basic plan"
    assert describe_line(LineKind.DISCOUNT, "Spring", english) == "Discount: Spring"
    assert describe_line(LineKind.PRORATION_CREDIT, "", german) == "Gutschrift für nicht genutzte Zeit"
