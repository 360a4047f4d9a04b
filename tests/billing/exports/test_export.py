"""The accounting export: exact sums, stable ids, each system's columns, and isolation."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.exports.export import export_month
from billing.exports.files import write_file
from billing.exports.lines import line_taxes
from billing.exports.schemas import Export, FileFormat, Target
from billing.invoices.draft import close_period
from billing.invoices.settle import InvoiceAct, NewCredit, act_on_invoice, create_credit_note
from billing.legal_entities.tax import VOUCHER, TaxCategory, TaxRule, tax_amounts
from billing.sides import Side
from billing.snapshot import Buyer, InvoiceSnapshot, Seller, SnapshotLine
from foundation.errors import Forbidden, InvalidInput
from foundation.ids import new_id
from tests.billing.conftest import MARCH, Market, uses
from tests.billing.exports.reading import assert_same, read_csv, read_workbook
from tests.billing.invoices.test_lifecycle import NOW, close, enter
from tests.conftest import make_scope

PARTY = ("A", "S", "1", "C", "DE", "", "", "")


async def exported(market: Market, month: str = "2026-04", target: Target = Target.FLAT) -> Export:
    async with market.as_staff() as session:
        return await export_month(session, month=month, target=target)


async def test_lines_and_credit_notes_add_up_to_what_was_issued(priced: Market) -> None:
    await enter(priced)
    await priced.use(*uses(120))
    invoice = (await close(priced)).invoice
    async with priced.as_client() as session:
        credit = NewCredit(net_minor=100, reason="=SUM(A1)")
        await create_credit_note(session, invoice.id, credit, now=NOW, new_id=new_id)
    found = await exported(priced)
    [line, credited] = found.rows
    assert (line["net"], line["tax"], line["gross"]) == (Decimal("11.50"), Decimal("2.19"), Decimal("13.69"))
    assert (line["invoice_number"], line["po_number"], line["event_count"]) == ("R-2026-001", "PO-7", 120)
    assert (line["tax_code"], line["quantity"], line["unit_price"]) == ("S19", 115, Decimal("0.1"))
    assert (credited["document"], credited["net"], credited["tax"]) == ("credit_note", Decimal(-1), Decimal("-0.19"))
    assert [total.gross for total in found.totals] == [Decimal("12.50")]
    assert await exported(priced) == found  # also the ids
    assert (await exported(priced, "2026-03")).rows == []
    xero = await exported(priced, target=Target.XERO)
    assert [row["TrackingOption1"] for row in xero.rows] == [row["line_id"] for row in found.rows]
    for target in Target:
        month = await exported(priced, target=target)
        text, sheet = [await write_file(month, file_format) for file_format in FileFormat]
        assert_same(read_workbook(sheet), read_csv(text))
    assert b"R-2026-001: =SUM(A1)" in await write_file(found, FileFormat.CSV)


async def test_a_voided_invoice_is_taken_back(priced: Market) -> None:
    await enter(priced)
    await priced.use(*uses(120))
    invoice = (await close(priced)).invoice
    issued = await exported(priced)
    async with priced.as_client() as session:
        later = NOW + timedelta(days=30)
        await act_on_invoice(session, invoice.id, InvoiceAct.VOID, reason="wrong", now=later, new_id=new_id)
    assert await exported(priced) == issued
    taken_back = await exported(priced, "2026-05")
    assert [total.gross for total in taken_back.totals] == [Decimal("-13.69")]
    assert [row["invoice_number"] for row in taken_back.rows] == ["R-2026-001-VOID"]


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/New_York"])
async def test_a_void_is_exported_by_the_same_calendar_as_its_invoice(priced: Market, zone: str) -> None:
    """Issued and voided within an hour in which UTC and the legal entity have different months."""
    await enter(priced, time_zone=zone)
    await priced.use(*uses(120))
    at = datetime(2026, 4, 30, 13, tzinfo=UTC) if zone.startswith("Pacific") else datetime(2026, 5, 1, 2, tzinfo=UTC)
    month = "2026-05" if zone.startswith("Pacific") else "2026-04"
    async with priced.as_client() as session:
        closed = await close_period(session, side=Side.RETAIL, period=MARCH, now=at)
        later = at + timedelta(minutes=30)
        await act_on_invoice(session, closed.id, InvoiceAct.VOID, reason="wrong", now=later, new_id=new_id)
    assert [row["invoice_number"] for row in (await exported(priced, month)).rows] == ["R-2026-001", "R-2026-001-VOID"]
    [other] = {"2026-04", "2026-05"} - {month}
    assert (await exported(priced, other)).rows == []


async def test_lines_of_another_account_are_not_exported(priced: Market) -> None:
    await enter(priced)
    await priced.use(*uses(120))
    await close(priced)
    msp_id = new_id()
    msp_account = make_scope(msp_id=msp_id, tenant_id=msp_id)
    assert (await exported(Market(priced.db, msp_account, make_scope(msp_id=msp_id)))).rows == []
    assert len((await exported(priced)).rows) == 1
    async with priced.as_client() as session:
        with pytest.raises(Forbidden):
            await export_month(session, month="2026-04", target=Target.FLAT)
    with pytest.raises(InvalidInput):
        await exported(priced, "April")


@given(
    st.lists(st.tuples(st.integers(-10_000, 10_000), st.sampled_from([None, None, VOUCHER])), max_size=30),
    st.decimals(0, 30, places=2),
)
def test_taxes_of_lines_add_up_to_the_invoices_tax(nets: list[tuple[int, TaxRule | None]], percent: Decimal) -> None:
    day, rule = date(2026, 3, 1), TaxRule(TaxCategory.STANDARD, percent)
    lines = [SnapshotLine(new_id(), "m", "d", day, day, Decimal(1), Decimal(1), net, own) for net, own in nets]
    taxes = tax_amounts([(own or rule, net) for net, own in nets] or [(rule, 0)])
    document = InvoiceSnapshot(
        "1", day, day, "en", "EUR", day, day, Seller(*PARTY, "", ""), Buyer(*PARTY), lines, taxes
    )  # fmt: skip
    assert sum(tax for _, tax in line_taxes(document)) == document.tax_minor
