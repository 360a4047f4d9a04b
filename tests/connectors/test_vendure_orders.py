"""Orders of Vendure and their status: malformed ones in memory, and complete ones on a real shop."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from canonical.amounts import canonical_amount
from canonical.dimensions import dimension
from canonical.elements import ORDER_DOCUMENT, ORDER_STATUS, PRICE
from canonical.keys import ElementKey
from canonical.messages import Observation
from canonical.orders import ORDER, OrderLine, OrderValue, cancelled_order
from canonical.values import EnumerationValue
from connectors.ports import ChannelWrite, PayloadInvalid, PollPage, SystemUnavailable, WriteResult, WriteState
from connectors.vendure import orders
from connectors.vendure.adapter import Vendure
from connectors.vendure.orders import VendureOrders
from foundation.clock import utc_now
from tests.connectors.running import PlainCaller
from tests.real.shopping import Cart, cancel_order, order_state
from tests.real.vendure import RunningVendure
from tests.support.values import minor

real = [pytest.mark.real, pytest.mark.timeout(900)]
ACCEPTED, REFUSED, RETRY = WriteState.ACCEPTED, WriteState.REFUSED, WriteState.RETRY


def snapshot(precision: int = 2, **changed: Any) -> bytes:
    """A payload of two lines, 24.90 USD in total, with `changed` fields."""
    line = {"quantity": 2, "proratedLinePrice": 1000, "productVariant": {"sku": "SKU-1"}}
    order = {
        "id": "5", "code": "ORDER-5", "updatedAt": "2026-11-29T10:00:00.000Z",
        "orderPlacedAt": "2026-11-29T10:00:01.500Z", "currencyCode": "USD", "total": 2490, "shipping": 490,
        "customer": {"firstName": "Ada", "lastName": "Lovelace", "emailAddress": "ada@example.com"},
        "shippingAddress": None, "lines": [line, line], "surcharges": [],
    }  # fmt: skip
    return json.dumps({"precision": precision, "read_at": "2026-11-29T10:05:00Z", "order": order | changed}).encode()


def line(quantity: Any, price: Any, sku: str = "SKU-1") -> dict[str, Any]:
    return {"quantity": quantity, "proratedLinePrice": price, "productVariant": {"sku": sku}}


def test_an_order_is_translated_exactly() -> None:
    [seen] = VendureOrders().translate(snapshot())
    both = OrderLine("SKU-1", "2", "5")
    assert seen.value == OrderValue("USD", "Ada Lovelace", "ada@example.com", (both, both), "4.9")
    assert seen.key == ElementKey("ORDER-5", ORDER_DOCUMENT, "", ORDER)
    assert (seen.source_id, seen.title, seen.committed_at.microsecond) == ("5", "Ada Lovelace", 500_000)


def test_a_price_that_the_quantity_does_not_divide_makes_two_lines() -> None:
    [seen] = VendureOrders().translate(snapshot(lines=[line(3, 2900), line(0, 0)], total=3390))
    lines = (OrderLine("SKU-1", "1", "9.66"), OrderLine("SKU-1", "2", "9.67"))
    assert seen.value == OrderValue("USD", "Ada Lovelace", "ada@example.com", lines, "4.9")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"currencyCode": "ZZZ"}, "ISO 4217"),
        ({"total": 2500}, "make 24.9, and its total is 25"),
        ({"total": 2**53 + 1}, "exactly"),
        ({"shipping": 4.905}, "4.905"),
        ({"lines": [line(2, 10**30)]}, "exactly"),
        ({"lines": [line(-2, 2000)]}, "not a quantity"),
        ({"lines": [line("two", 2000)]}, "two"),
        ({"lines": [line(2, 2000, sku="")]}, "no SKU"),
        ({"lines": [], "total": 490}, "1 to"),
        ({"lines": [line(0, 0)], "total": 490}, "1 to"),
        (
            {"surcharges": [{"description": "Gift wrap", "price": 100, "sku": ""}], "total": 2590},
            "“Gift wrap” has no SKU",
        ),
        ({"customer": {"name": "Ada"}}, "firstName"),
        ({"updatedAt": "yesterday"}, "RFC3339"),
    ],
)
def test_an_inexact_order_is_reported_with_its_number(changed: dict[str, Any], expected: str) -> None:
    with pytest.raises(PayloadInvalid, match=expected) as caught:
        VendureOrders().translate(snapshot(**changed))
    assert [each.key for each in caught.value.unreadable] == [ElementKey("ORDER-5", ORDER_DOCUMENT, "", ORDER)]


def test_a_cancelled_order_has_no_content_and_one_stored_before_had_no_state() -> None:
    gone = [{"quantity": 0, "proratedLinePrice": 0, "productVariant": {"sku": "SKU-1"}}]
    [seen] = VendureOrders().translate(snapshot(state="Cancelled", lines=gone, total=0, shipping=0))
    assert (seen.key.record_key, seen.value) == ("ORDER-5", cancelled_order("USD"))
    for body in (snapshot(), snapshot(state="PaymentSettled"), snapshot(state="Custom")):
        [seen] = VendureOrders().translate(body)
        assert isinstance(seen.value, OrderValue)
        assert not seen.value.is_cancelled


def test_a_surcharge_with_a_sku_is_a_line_with_exact_digits() -> None:
    gift = {"description": "Gift wrap", "price": 1005, "sku": "GIFT"}
    [seen] = VendureOrders().translate(
        snapshot(3, lines=[line(1, 10_005)], surcharges=[gift], shipping=0, total=11_010, customer=None)
    )
    lines = (OrderLine("GIFT", "1", "1.005"), OrderLine("SKU-1", "1", "10.005"))
    assert seen.value == OrderValue("USD", "", "", lines)


class Desk:
    """A connection of a real shop, with its orders."""

    def __init__(self, shop: RunningVendure, caller: PlainCaller, since: str = "2020-01-01") -> None:
        self.shop, self.caller, self.source, self.channel = shop, caller, VendureOrders(), Vendure()
        self.config = shop.connection(orders_since=since) if since else shop.connection()

    async def poll(self, cursor: str = "") -> PollPage:
        """All pages from `cursor` on, as one."""
        page = await self.source.poll(self.caller, self.config, cursor, utc_now())
        if not page.more:
            return page
        rest = await self.poll(page.cursor)
        return PollPage([*page.payloads, *rest.payloads], rest.cursor, more=False)

    async def orders(self, cursor: str = "") -> dict[str, Observation]:
        seen = [each for _, body in (await self.poll(cursor)).payloads for each in self.source.translate(body)]
        return {each.record_key: each for each in seen}

    async def set_status(self, code: str, status: str) -> WriteResult:
        write = ChannelWrite(_status(code), EnumerationValue(status), 1, f"{code}:{status}")
        [result] = await self.channel.push(self.caller, self.config, [write])
        return result

    async def status(self, code: str) -> str:
        """The status that is read back, or the reason why there is none."""
        [reading] = await self.channel.read(self.caller, self.config, [_status(code)])
        assert reading.value is None or isinstance(reading.value, EnumerationValue)
        return reading.unreadable if reading.value is None else reading.value.code


def _status(code: str) -> ElementKey:
    return ElementKey(code, ORDER_STATUS, "", ORDER)


@pytest.fixture
def desk(real_shop: RunningVendure, caller: PlainCaller) -> Desk:
    return Desk(real_shop, caller)


class TestRealOrders:
    pytestmark = real

    async def test_a_placed_order_is_read_once(self, desk: Desk) -> None:
        placed = await desk.orders()
        Cart(desk.shop, {"SKU-016": 2})
        wanted = {"SKU-016": 2, "SKU-017": 1}
        code = Cart(desk.shop, wanted).pay()
        page = await desk.poll()
        seen = (await desk.orders())[code]
        prices = {sku: desk.shop.shopper_price(sku) or 0 for sku in ("SKU-016", "SKU-017")}
        lines = [
            OrderLine(sku, str(count), canonical_amount(Decimal(prices[sku]) / 100)) for sku, count in wanted.items()
        ]
        assert seen.value == OrderValue("USD", "Ada Lovelace", "ada@example.com", tuple(lines), "5")
        again = await desk.poll(page.cursor)
        assert {external_id for external_id, _ in again.payloads} <= {external_id for external_id, _ in page.payloads}
        assert len(page.payloads) == len(placed) + 1, "a cart is no order"

    async def test_an_order_whose_cart_was_filled_long_before_is_not_missed(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Vendure leaves `updatedAt` unchanged when the order is placed."""
        monkeypatch.setattr(orders, "_OVERLAP", timedelta(0))
        cart = Cart(desk.shop, {"SKU-016": 1})
        Cart(desk.shop, {"SKU-017": 1}).pay()
        cursor = (await desk.poll()).cursor
        code = cart.pay()
        assert code in await desk.orders(cursor)

    async def test_an_order_in_another_currency_and_with_a_discount_is_exact(self, desk: Desk) -> None:
        key = ElementKey("SKU-018", PRICE, dimension(currency="EUR"))
        await desk.channel.push(desk.caller, desk.config, [ChannelWrite(key, minor(1000, "EUR"), 1, "k")])
        _offer(desk.shop, "MINUS", 100)
        code = Cart(desk.shop, {"SKU-018": 3}, coupon="MINUS", currency="EUR").pay()
        order = (await desk.orders())[code].value
        assert isinstance(order, OrderValue)
        assert order.currency == "EUR"
        assert sum(each.amount for each in order.lines) == 29, "three pieces of 10.00, less 1.00 in all"
        assert sum(int(each.quantity) for each in order.lines) == 3

    async def test_only_orders_from_the_named_day_on_are_read(self, desk: Desk) -> None:
        Cart(desk.shop, {"SKU-016": 1}).pay()
        tomorrow = f"{utc_now() + timedelta(days=1):%Y-%m-%d}"
        assert not await Desk(desk.shop, desk.caller, tomorrow).orders()
        assert not await Desk(desk.shop, desk.caller, "").orders()
        with pytest.raises(SystemUnavailable, match="not a day"):
            await Desk(desk.shop, desk.caller, "2026-02-30").orders()

    async def test_an_order_is_shipped_and_delivered_and_never_goes_back(self, desk: Desk) -> None:
        code = Cart(desk.shop, {"SKU-016": 1, "SKU-017": 2}).pay()
        assert await desk.status(code) == "confirmed"
        for status, state in (("confirmed", "PaymentSettled"), ("allocated", "PaymentSettled"), ("shipped", "Shipped")):
            for _ in range(2):  # a repeated write does nothing twice
                assert (await desk.set_status(code, status)).state is ACCEPTED
            assert (await desk.status(code), order_state(desk.shop, code)) == (status, state)
        back = await desk.set_status(code, "allocated")
        assert (back.state, "already shipped in Vendure" in back.detail) == (REFUSED, True)
        assert (await desk.set_status(code, "delivered")).state is ACCEPTED
        assert (await desk.status(code), order_state(desk.shop, code)) == ("delivered", "Delivered")

    async def test_an_order_is_delivered_in_one_step(self, desk: Desk) -> None:
        code = Cart(desk.shop, {"SKU-016": 1}).pay()
        assert (await desk.set_status(code, "delivered")).state is ACCEPTED
        assert await desk.status(code) == "delivered"

    async def test_a_cancelled_order_is_read_as_such_and_stays_cancelled(self, desk: Desk) -> None:
        code = Cart(desk.shop, {"SKU-016": 1}).pay()
        assert (await desk.set_status(code, "cancelled")).state is ACCEPTED
        assert (await desk.status(code), order_state(desk.shop, code)) == ("cancelled", "Cancelled")
        assert (await desk.orders())[code].value == cancelled_order("USD")
        late = await desk.set_status(code, "shipped")
        assert (late.state, "cancelled in Vendure" in late.detail) == (REFUSED, True)

    async def test_an_order_that_a_person_cancels_in_the_shop_is_read_after_the_last_poll(self, desk: Desk) -> None:
        code = Cart(desk.shop, {"SKU-016": 2}).pay()
        page = await desk.poll()
        cancel_order(desk.shop, code)
        assert (await desk.orders(page.cursor))[code].value == cancelled_order("USD")
        assert await desk.status(code) == "cancelled"

    async def test_an_order_that_is_not_paid_waits_for_its_payment(self, desk: Desk) -> None:
        code = Cart(desk.shop, {"SKU-016": 1}).pay("authorized")
        waiting = await desk.set_status(code, "shipped")
        assert (waiting.state, "Settle the payment" in waiting.detail) == (RETRY, True)
        assert (await desk.status(code), order_state(desk.shop, code)) == ("confirmed", "PaymentAuthorized")
        _settle(desk.shop, code)
        assert (await desk.set_status(code, "shipped")).state is ACCEPTED
        assert await desk.status(code) == "shipped"

    @pytest.mark.parametrize("status", ["open", "returned"])
    async def test_a_status_that_vendure_has_no_state_for_is_refused(self, desk: Desk, status: str) -> None:
        code = Cart(desk.shop, {"SKU-016": 1}).pay()
        result = await desk.set_status(code, status)
        assert (result.state, f"no state for orders that are {status}" in result.detail) == (REFUSED, True)
        assert await desk.status(code) == "confirmed"

    async def test_the_status_of_an_unknown_order_is_refused(self, desk: Desk) -> None:
        result = await desk.set_status("NO-SUCH-ORDER", "shipped")
        assert (result.state, "no order with this number" in result.detail) == (REFUSED, True)
        assert await desk.status("NO-SUCH-ORDER") == ""


def _offer(shop: RunningVendure, coupon: str, discount: int) -> None:
    """A fixed discount of the whole order, in minor units."""
    action = {"code": "order_fixed_discount", "arguments": [{"name": "discount", "value": str(discount)}]}
    new = {
        "enabled": True, "couponCode": coupon, "conditions": [], "actions": [action],
        "translations": [{"languageCode": "en", "name": coupon, "description": ""}],
    }  # fmt: skip
    shop.administer("mutation ($i: CreatePromotionInput!) { createPromotion(input: $i) { __typename } }", i=new)


def _settle(shop: RunningVendure, code: str) -> None:
    query = "query ($c: String!) { orders(options: {filter: {code: {eq: $c}}}) { items { payments { id } } } }"
    [found] = shop.administer(query, c=code)["orders"]["items"]
    settle = "mutation ($i: ID!) { settlePayment(id: $i) { __typename } }"
    shop.administer(settle, i=found["payments"][0]["id"])
