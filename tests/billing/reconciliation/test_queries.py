"""Reconciliation: every accepted event is on a line of each side, or reported with a reason."""

from datetime import timedelta

from billing.invoices.draft import close_period
from billing.reconciliation.queries import reconcile
from billing.schemas import Reconciliation
from billing.sides import Side
from tests.billing.conftest import APRIL, MARCH, METER, START, Market, uses


async def _reconcile(market: Market) -> Reconciliation:
    async with market.as_client() as session:
        return await reconcile(session, period=MARCH)


async def test_an_event_goes_from_waiting_to_rated_to_invoiced(priced: Market) -> None:
    await priced.use(*uses(4))
    (meter,) = (await _reconcile(priced)).meters
    assert (meter.accepted, meter.retail.waiting, meter.retail.rated, meter.retail.invoiced) == (4, 4, 0, 0)

    for side in Side:
        await priced.rate(side)
    (meter,) = (await _reconcile(priced)).meters
    assert (meter.retail.waiting, meter.retail.rated, meter.retail.invoiced) == (0, 4, 0)

    priced.now = MARCH.end
    async with priced.as_client() as session:
        await close_period(session, side=Side.RETAIL, period=MARCH, now=priced.now)
    (meter,) = (await _reconcile(priced)).meters
    assert (meter.retail.rated, meter.retail.invoiced, meter.wholesale.rated) == (0, 4, 4)


async def test_a_late_event_is_counted_where_it_occurred_on_both_sides(priced: Market) -> None:
    await priced.use(*uses(4))
    priced.now = MARCH.end
    async with priced.as_client() as session:
        await close_period(session, side=Side.RETAIL, period=MARCH, now=priced.now)
    await priced.use(*uses(2))
    await priced.rate(Side.RETAIL, APRIL)
    await priced.rate(Side.WHOLESALE, MARCH)

    result = await _reconcile(priced)

    assert result.holds
    (meter,) = result.meters
    assert (meter.accepted, meter.retail.invoiced, meter.retail.rated, meter.wholesale.rated) == (6, 4, 2, 6)


async def test_an_event_on_one_side_only_fails_the_reconciliation(priced: Market) -> None:
    await priced.use(*uses(3))
    await priced.rate(Side.RETAIL)
    result = await _reconcile(priced)
    assert not result.holds
    assert (result.meters[0].retail_only, result.meters[0].wholesale_only) == (3, 0)


async def test_events_without_a_price_are_counted_with_their_age_on_the_side_that_lacks_it(priced: Market) -> None:
    await priced.price(Side.WHOLESALE, "1", meter="copilot.answer")
    await priced.use(*uses(2, meter="copilot.answer", at=START + timedelta(days=1)), *uses(1))
    for side in Side:
        await priced.rate(side)

    result = await _reconcile(priced)

    answer, change = result.meters
    assert (answer.meter, change.meter) == ("copilot.answer", METER)
    assert (answer.retail.unattributed, answer.retail.waiting, answer.wholesale.unattributed) == (2, 0, 0)
    assert answer.retail.age(START + timedelta(days=3)) == timedelta(days=2)
    assert answer.wholesale.age(START) == timedelta(0)
    assert result.unattributed == 2
    assert not result.holds


async def test_staff_reconcile_all_their_clients_and_no_others(priced: Market, market: Market) -> None:
    neighbour = priced.another_client()
    for client in (priced, neighbour):
        await client.use(*uses(2))
    async with priced.as_staff() as session:
        result = await reconcile(session, period=MARCH)
    assert {meter.client_id for meter in result.meters} == {priced.client.tenant_id, neighbour.client.tenant_id}
    (mine,) = (await _reconcile(priced)).meters
    assert mine in result.meters


async def test_another_clients_own_prices_do_not_attribute_my_usage(priced: Market) -> None:
    await priced.open_book(Side.RETAIL, own=True)
    await priced.price(Side.RETAIL, "1", meter="copilot.answer", own=True)
    neighbour = priced.another_client()
    await neighbour.use(*uses(2, meter="copilot.answer"))
    async with priced.as_staff() as session:
        (meter,) = (await reconcile(session, period=MARCH)).meters
    assert meter.retail.unattributed == 2


async def test_a_common_price_in_another_currency_than_the_clients_own_attributes_nothing(priced: Market) -> None:
    await priced.open_book(Side.RETAIL, "JPY", own=True)
    await priced.use(*uses(2))
    (meter,) = (await _reconcile(priced)).meters
    assert (meter.retail.waiting, meter.retail.unattributed) == (0, 2)
    assert (meter.wholesale.waiting, meter.wholesale.unattributed) == (2, 0)


async def test_a_period_without_use_reconciles(priced: Market) -> None:
    result = await _reconcile(priced)
    assert result.holds
    assert result.meters == []
