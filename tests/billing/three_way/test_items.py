"""Seats of subscriptions, and prices by dimension, in the three-way check."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.line_kinds import LineKind
from billing.pricing.periods import Interval
from billing.sides import Side
from billing.subscriptions.states import StepKind
from billing.three_way.check import load_difference
from billing.three_way.schemas import DifferenceKind, ThreeWayDifference
from billing.vendor_bills.schemas import MappingKind
from foundation.errors import InvalidInput
from foundation.ids import new_id
from tests.billing.conftest import APRIL, MARCH, Market
from tests.billing.price_books.test_cells import declare, price, report
from tests.billing.subscriptions.test_drafts import act, begin, bill, fix, offer
from tests.billing.three_way.test_check import checked
from tests.billing.vendor_bills.test_bills import map_to, row, store
from tests.conftest import make_scope

SEATS = "basic:seats"


async def differences(market: Market) -> dict[str, ThreeWayDifference]:
    return {one.product: one for one in (await checked(market)).items}


async def test_seats_are_compared_by_their_time_in_the_month(priced: Market) -> None:
    """Ten seats for 15 of 31 days and twelve from then on; the vendor billed thirteen."""
    await offer(priced, "basic", "31", seat_price=Decimal(2), seat_name="Users")
    one = await begin(priced, "basic", MARCH.start, quantity=10)
    priced.now = MARCH.start + timedelta(days=15)
    await act(priced, one, StepKind.CHANGE, quantity=12)
    await bill(priced, priced.now)
    assert (await checked(priced)).items == [], "fee and seats are billed as they are"
    await store(priced, row("1", quantity=Decimal(13), unit_cost=Decimal(1)))
    await map_to(priced, MappingKind.CLIENT, "c-1", priced.client.tenant_id)
    await map_to(priced, MappingKind.PRODUCT, "SEAT", SEATS)
    found = (await differences(priced))[SEATS]
    seats = round(Decimal(10 * 15 + 12 * 16) / 31, 6)
    assert (found.used_quantity, found.billed_quantity, found.kinds) == (seats, seats, [DifferenceKind.VENDOR_OVER])
    assert (found.vendor_difference, found.vendor_amount) == (13 - seats, Decimal("1.97"))


async def test_seats_that_are_not_billed_yet_are_leakage_until_a_later_invoice_has_them(priced: Market) -> None:
    await offer(priced, "basic", "31", seat_price=Decimal(2), seat_name="Users")
    one = await begin(priced, "basic", MARCH.start, quantity=10)
    await bill(priced, MARCH.start)
    await fix(priced)
    priced.now = APRIL.start + timedelta(days=9)
    await act(priced, one, StepKind.CHANGE, quantity=41, at=MARCH.start + timedelta(days=21))
    [leak] = (await checked(priced)).items
    assert (leak.product, leak.difference, leak.kinds) == (SEATS, Decimal(10), [DifferenceKind.LEAKAGE])
    assert (leak.amount, leak.currency) == (Decimal(20), "EUR")
    await bill(priced, priced.now)
    assert (await checked(priced)).items == []
    async with priced.as_staff() as session:
        detail = await load_difference(session, "2026-03", priced.client.tenant_id, SEATS)
    assert [one.amount for one in detail.billed_rows if one.amount > 0] == [Decimal(20), Decimal("26.45")]
    assert {one.description for one in detail.billed_rows} == {"Basic: Users"}


async def test_seats_in_arrears_count_for_their_month_once_a_later_invoice_has_them(priced: Market) -> None:
    """31 seats from the 15th of March on, which are due with the half-year."""
    await offer(
        priced, "basic", "0", seat_price=Decimal(2), seat_name="Users", in_advance=False, interval=Interval.HALF_YEAR
    )
    await begin(priced, "basic", MARCH.start + timedelta(days=14), quantity=31)
    await bill(priced, MARCH.end)
    await store(priced, row("1", quantity=Decimal(18), unit_cost=Decimal(1)))
    await map_to(priced, MappingKind.CLIENT, "c-1", priced.client.tenant_id)
    await map_to(priced, MappingKind.PRODUCT, "SEAT", SEATS)
    assert (await differences(priced))[SEATS].billed_quantity == 0
    await bill(priced, MARCH.start + timedelta(days=210))
    found = (await differences(priced))[SEATS]
    seen = (found.used_quantity, found.billed_quantity, found.vendor_difference)
    assert seen == (Decimal(17), Decimal(17), Decimal(1))


async def test_items_of_another_account_are_unknown(priced: Market) -> None:
    await offer(priced, "basic", "31", seat_price=Decimal(2))
    await begin(priced, "basic", MARCH.start)
    msp_id = new_id()
    other = Market(priced.db, make_scope(msp_id=msp_id, tenant_id=msp_id), make_scope(msp_id=msp_id))
    assert (await checked(other)).compared == 0
    with pytest.raises(InvalidInput):
        await map_to(other, MappingKind.PRODUCT, "SEAT", SEATS)
    with pytest.raises(InvalidInput):
        await map_to(priced, MappingKind.PRODUCT, "SEAT", f"basic:{LineKind.ONE_OFF}")


async def test_a_difference_of_a_price_by_dimension_costs_what_its_cells_do(market: Market) -> None:
    """1.50, 8.00 and 5.00 for cells, and 1.35 for other units, at the price of all other units."""
    await declare(market)
    await price(market)
    market.now = MARCH.start + timedelta(days=10)
    await report(market)
    await market.rate(Side.RETAIL)
    assert (await checked(market)).items == []
    await report(market, day=5, prefix="later ")
    [leak] = (await checked(market)).items
    assert (leak.difference, leak.amount, leak.at_cost) == (Decimal("25.5"), Decimal("15.85"), False)
