"""Profit and revenue of stored invoices, credit notes and vendor bills, isolated from another MSP's."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import text

from billing.invoices.settle import NewCredit, create_credit_note
from billing.permissions import BillingPermission
from billing.price_books.unit_costs import UnitCostInput, list_unit_costs, set_unit_cost
from billing.profit.report import report_profit
from billing.profit.schemas import ProfitGrouping, ProfitReport
from billing.revenue.report import report_revenue
from billing.revenue.schemas import RevenueReport
from billing.sides import Side
from billing.vendor_bills.schemas import MappingKind
from foundation.errors import Forbidden, InvalidInput
from foundation.ids import new_id
from foundation.usage.meters import Meter, Meters, UsageDescription
from tests.billing.conftest import METER, START, Market, uses
from tests.billing.invoices.test_lifecycle import NOW, close, enter
from tests.billing.packs.test_packs import sell as sell_pack
from tests.billing.subscriptions.test_drafts import begin, bill, offer
from tests.billing.vendor_bills.test_bills import map_to, row, store
from tests.conftest import make_scope


async def profit(market: Market, by: ProfitGrouping = ProfitGrouping.CLIENT, month: str = "2026-03") -> ProfitReport:
    async with market.as_staff() as session:
        return await report_profit(session, month, by)


async def revenue(market: Market, of: str = "", month: str = "2026-03") -> RevenueReport:
    async with market.as_staff() as session:
        return await report_revenue(session, month, of, now=NOW + timedelta(days=60))


async def sell(market: Market) -> None:
    """11.50 of use, of which 1.00 is credited."""
    await enter(market)
    await market.use(*uses(120))
    await market.rate(Side.WHOLESALE)
    invoice = (await close(market)).invoice
    async with market.as_client() as session:
        await create_credit_note(session, invoice.id, NewCredit(net_minor=100, reason="x"), now=NOW, new_id=new_id)


async def test_profit_is_net_of_credit_notes_and_takes_the_vendors_cost(priced: Market) -> None:
    await sell(priced)
    [row_] = (await profit(priced)).rows
    assert (row_.revenue, row_.cost, row_.margin) == (Decimal("10.50"), Decimal("3.60"), Decimal("6.90"))
    assert row_.at_wholesale == Decimal("3.60")
    await store(priced, row("1", quantity=Decimal(120), amount=Decimal("12.005")))
    assert ((await profit(priced)).unmapped, (await profit(priced)).rows[0].cost) == (1, Decimal("3.60"))
    await map_to(priced, MappingKind.CLIENT, "c-1", priced.client.tenant_id)
    await map_to(priced, MappingKind.PRODUCT, "SEAT", METER)
    found = await profit(priced)
    assert (found.rows[0].cost, found.rows[0].margin) == (Decimal("12.005"), Decimal("-1.505"))
    assert [(one.month, one.margin) for one in found.months] == [("2026-03", Decimal("-1.505"))]
    books = (await profit(priced, ProfitGrouping.BOOK)).rows
    assert sum(one.revenue for one in books) == Decimal("10.50")
    assert (await profit(priced, month="2026-04")).rows == []


async def test_the_cost_of_seats_and_of_use_from_packs_stands_beside_what_was_paid_for_them(priced: Market) -> None:
    await offer(priced, "basic", "31", seat_price=Decimal(2), seat_name="Users")
    await begin(priced, "basic", START, quantity=10)
    await sell_pack(priced, "150")
    await priced.use(*uses(120))
    await priced.rate(Side.WHOLESALE)
    await bill(priced, NOW)
    await store(priced, row("1", quantity=Decimal(10), amount=Decimal(15)))
    await map_to(priced, MappingKind.CLIENT, "c-1", priced.client.tenant_id)
    await map_to(priced, MappingKind.PRODUCT, "SEAT", "basic:seats")
    rows = (await profit(priced, ProfitGrouping.PRODUCT)).rows
    assert {(one.key, one.revenue, one.cost, one.uncosted) for one in rows} == {
        ("basic", Decimal(51), Decimal(15), Decimal(0)), (METER, Decimal(5), Decimal("3.60"), Decimal(0)),
    }  # fmt: skip


async def _describe(*_: object) -> Mapping[UUID, UsageDescription]:
    return {}


async def cost(market: Market, amount: str, month: str, *, own: bool = False, now_: int = 0) -> None:
    book_id = market.books[Side.RETAIL, market.client.tenant_id if own else None]
    wanted = UnitCostInput(meter=METER, unit_cost=Decimal(amount), month=month)
    async with market.as_msp_account() as session:
        units = ("{number} use", "{number} uses")
        meters = Meters(
            [Meter(name=METER, unit=units, label="Use", permission=BillingPermission.READ_USAGE, describe=_describe)]
        )
        await set_unit_cost(session, meters, book_id, wanted, now=NOW + timedelta(minutes=now_), new_id=new_id)


async def test_a_unit_cost_counts_by_its_month_where_no_vendors_bill_is_mapped(priced: Market) -> None:
    await sell(priced)
    await cost(priced, "0.05", "2026-04")
    assert (await profit(priced)).rows[0].cost == Decimal("3.60"), "from April on"
    await cost(priced, "0.01", "2026-02")
    await cost(priced, "0.02", "2026-02", now_=1)
    [row_] = (await profit(priced)).rows
    assert (row_.cost, row_.at_unit_cost, row_.at_wholesale, row_.margin) == (
        Decimal("2.40"), Decimal("2.40"), Decimal(0), Decimal("8.10"),
    )  # fmt: skip
    await priced.open_book(Side.RETAIL, own=True)
    await cost(priced, "0.03125", "2026-01", own=True)
    assert (await profit(priced)).rows[0].cost == Decimal("3.75"), "its own book comes first"
    await store(priced, row("1", quantity=Decimal(120), amount=Decimal("12.005")))
    await map_to(priced, MappingKind.CLIENT, "c-1", priced.client.tenant_id)
    await map_to(priced, MappingKind.PRODUCT, "SEAT", METER)
    [row_] = (await profit(priced)).rows
    assert (row_.cost, row_.at_unit_cost) == (Decimal("12.005"), Decimal(0))
    other = make_scope()
    async with priced.db.transaction(other) as session:
        with pytest.raises(Forbidden):
            await list_unit_costs(session, priced.books[Side.RETAIL, None])
    async with priced.as_client() as session:
        with pytest.raises(Forbidden):
            await list_unit_costs(session, priced.books[Side.RETAIL, None])
        assert await session.scalar(text("SELECT count(*) FROM unit_cost")) == 0


async def test_revenue_is_by_month_and_unpaid_by_age(priced: Market) -> None:
    await sell(priced)
    found = await revenue(priced, "invoiced")
    last = found.months[-1]
    assert (len(found.months), last.month, last.invoiced, last.usage) == (
        12, "2026-03", Decimal("10.50"), Decimal("10.50"),
    )  # fmt: skip
    assert (last.recurring, last.new, last.clients) == (Decimal(0), Decimal("10.50"), 1)
    [owed] = found.outstanding
    assert (owed.days_31_60 + owed.days_61_90, owed.total) == (Decimal("12.50"), Decimal("12.50"))
    assert list((await revenue(priced)).movements) == []
    with pytest.raises(InvalidInput):
        await revenue(priced, "all")


async def test_figures_of_another_account_are_not_shown(priced: Market) -> None:
    await sell(priced)
    msp_id = new_id()
    other = Market(priced.db, make_scope(msp_id=msp_id, tenant_id=msp_id), make_scope(msp_id=msp_id))
    assert (await profit(other)).rows == []
    nothing = await revenue(other)
    assert (nothing.months, nothing.outstanding) == ([], [])
    async with priced.as_client() as session:
        with pytest.raises(Forbidden):
            await report_profit(session, "2026-03", ProfitGrouping.CLIENT)
        with pytest.raises(Forbidden):
            await report_revenue(session, "2026-03", "", now=NOW)
