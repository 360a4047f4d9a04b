"""The check on stored bills, usage and invoices, its explanations, and isolation."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.sides import Side
from billing.three_way.check import check_month, load_difference
from billing.three_way.explain import find_difference, record_explanation
from billing.three_way.schemas import DifferenceKind, ThreeWayCheck
from billing.vendor_bills.schemas import MappingKind
from foundation.errors import Forbidden, InvalidInput
from foundation.ids import new_id
from tests.billing.conftest import METER, START, Market, uses
from tests.billing.usage.test_aggregations import declare, event, report
from tests.billing.vendor_bills.test_bills import map_to, row, store
from tests.conftest import make_scope


async def checked(market: Market, month: str = "2026-03") -> ThreeWayCheck:
    async with market.as_staff() as session:
        return await check_month(session, month)


async def billed_for_120(market: Market) -> None:
    """120 used and on a draft; the vendor billed 150."""
    await market.use(*uses(120))
    await market.rate(Side.RETAIL)
    await store(market, row("1", quantity=Decimal(75), unit_cost=Decimal("0.08")))
    await map_to(market, MappingKind.CLIENT, "c-1", market.client.tenant_id)
    await map_to(market, MappingKind.PRODUCT, "SEAT", METER, factor=Decimal(2))


async def test_only_differences_are_shown_with_their_money(priced: Market) -> None:
    await billed_for_120(priced)
    [vendor] = (await checked(priced)).items
    assert (vendor.kinds, vendor.vendor_difference, vendor.vendor_amount) == (
        [DifferenceKind.VENDOR_OVER], Decimal(30), Decimal("1.20"),
    )  # fmt: skip
    await priced.use(*uses(10, at=START.replace(day=20)))  # after the rating: not billed yet
    [leak] = (await checked(priced)).items
    assert (leak.difference, leak.amount, leak.currency, leak.on_draft) == (Decimal(10), Decimal("1.00"), "EUR", True)
    assert leak.kinds == [DifferenceKind.LEAKAGE, DifferenceKind.VENDOR_OVER]
    async with priced.as_staff() as session:
        detail = await load_difference(session, "2026-03", priced.client.tenant_id, METER)
    assert [one.units for one in detail.vendor_rows] == [Decimal(150)]
    assert [(one.quantity, one.amount) for one in detail.billed_rows] == [(Decimal(120), Decimal("11.50"))]
    assert (await checked(priced, "2026-04")).items == []


async def test_an_explanation_is_stored_and_applies_to_its_quantities(priced: Market) -> None:
    await billed_for_120(priced)
    async with priced.as_staff() as session:
        month, found = await find_difference(session, "2026-03", priced.client.tenant_id, METER)
        with pytest.raises(InvalidInput):
            await find_difference(session, "2026-03", new_id(), METER)
    async with priced.as_msp_account() as session:
        with pytest.raises(InvalidInput):
            await record_explanation(session, month, found, "  ", now=START, explanation_id=new_id())
        await record_explanation(session, month, found, "Blocks of 50", now=START, explanation_id=new_id())
    explained = await checked(priced)
    assert [one.is_explained for one in explained.items] == [True]
    assert (explained.totals, [one.vendor_over for one in explained.explained_totals]) == ([], [Decimal("1.20")])
    await priced.use(*uses(1, at=START.replace(day=21)))
    [again] = (await checked(priced)).items
    assert (again.is_explained, again.explanation and again.explanation.reason) == (False, "Blocks of 50")


async def test_differences_of_another_account_are_not_shown(priced: Market) -> None:
    await billed_for_120(priced)
    msp_id = new_id()
    other = Market(priced.db, make_scope(msp_id=msp_id, tenant_id=msp_id), make_scope(msp_id=msp_id))
    assert (await checked(other)).compared == 0
    async with priced.as_client() as session:
        with pytest.raises(Forbidden):
            await check_month(session, "2026-03")
    await store(priced, row("2", client_id="c-2", quantity=Decimal(1)))
    [left_out] = (await checked(priced)).left_out
    assert (left_out.lines, left_out.amount) == (1, Decimal(10))


async def test_meters_that_are_not_summed_are_compared_by_their_own_quantity(market: Market) -> None:
    market.now = START + timedelta(days=20)
    kinds = {"peak": ("max", 4), "calls": ("count", 1), "last": ("latest", 7), "stock": ("time_weighted", 7)}
    for code, (aggregation, _) in kinds.items():
        await declare(market, aggregation, code=code)

    async def use(number: int, quantity: str) -> None:
        await report(market, *(event(f"{code} {number}", quantity, number, meter=code) for code in kinds))

    await use(1, "8")
    await use(2, "5")
    await market.rate(Side.RETAIL)
    agreed = await checked(market)
    assert (agreed.items, agreed.compared) == ([], 4)
    await use(3, "12")
    found = {one.product: (one.difference, one.kinds) for one in (await checked(market)).items}
    assert {code: found[code] for code in ("peak", "calls", "last")} == {
        code: (Decimal(difference), [DifferenceKind.LEAKAGE])
        for code, (_, difference) in kinds.items()
        if code != "stock"
    }
    assert found["stock"][0] > 0
    await market.rate(Side.RETAIL)
    assert (await checked(market)).items == []
