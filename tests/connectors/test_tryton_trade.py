"""A real Tryton with two warehouses and three languages: each value is read as people entered it."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from canonical.elements import DESCRIPTION, NAME, ORDER_DOCUMENT, ORDER_STATUS, PRICE, STOCK
from canonical.keys import ElementKey
from canonical.messages import ShipmentUpdated
from canonical.orders import ORDER, OrderLine, OrderValue, cancelled_order
from canonical.values import EnumerationValue, MoneyValue, TextValue, Value
from connectors.ports import ChannelReading, ChannelWrite, ConnectionConfig, PayloadInvalid, PollPage, WriteState
from connectors.tryton.adapter import Tryton
from foundation.clock import utc_now
from tests.connectors.running import PlainCaller, observed
from tests.real.tryton import RunningTryton, running_tryton
from tests.support.values import pieces

AN_ORDER = OrderValue(
    "USD", "Ada Lovelace ", "ada@example.com",
    (OrderLine("SKU-003", "2", "19.99"), OrderLine("SKU-004", "1", "12.5"), OrderLine("SKU-004", "1", "0.1234")), "4.9",
)  # fmt: skip

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTryton]:
    with running_tryton(tmp_path_factory.mktemp("tryton")) as server:
        yield server


def an_order(number: str) -> ChannelWrite:
    return ChannelWrite(ElementKey(number, ORDER_DOCUMENT, "", ORDER), AN_ORDER, 1, number)


async def status_of(adapter: Tryton, caller: PlainCaller, config: ConnectionConfig, cursor: str) -> tuple[Value, str]:
    """The status of the only order, and the next cursor."""
    page = await adapter.poll(caller, config, cursor, utc_now())
    found = [each for _, body in page.payloads for each in observed(adapter.translate(body))]
    ((_, value),) = {(each.record_key, each.value) for each in found if each.element == ORDER_STATUS}
    return value, page.cursor


def values_of(adapter: Tryton, page: PollPage, record: str, *elements: str) -> dict[str, Value]:
    """One text per element and dimension."""
    bodies = [body for _, body in page.payloads if f'"code":"{record}"'.encode() in body]
    found = [each for body in bodies for each in observed(adapter.translate(body))]
    return {f"{each.element} {each.dimension}": each.value for each in found if each.element in elements}


async def test_stock_in_two_warehouses(tryton: RunningTryton, caller: PlainCaller) -> None:
    adapter, config = Tryton(), tryton.connection(overlap_seconds=0, stock_per_warehouse="yes")
    cursor = (await adapter.poll(caller, config, "", utc_now())).cursor
    tryton.set_stock("SKU-001", 7, warehouse="HAM")
    page = await adapter.poll(caller, config, cursor, utc_now())
    assert values_of(adapter, page, "SKU-001", STOCK) == {
        f"{STOCK} location=WH": pieces(100),
        f"{STOCK} location=HAM": pieces(7),
    }
    together = await adapter.poll(caller, tryton.connection(), "", utc_now())
    assert values_of(adapter, together, "SKU-001", STOCK) == {f"{STOCK} ": pieces(107)}


async def test_a_product_text_in_three_languages(tryton: RunningTryton, caller: PlainCaller) -> None:
    adapter, config = Tryton(), tryton.connection(overlap_seconds=0, texts="yes")
    cursor = (await adapter.poll(caller, config, "", utc_now())).cursor
    tryton.set_text("SKU-002", "de", "Tisch", "Aus Eiche,\ngeölt")
    tryton.set_text("SKU-002", "fr", "Table “Été”", "")
    page = await adapter.poll(caller, config, cursor, utc_now())
    assert values_of(adapter, page, "SKU-002", NAME, DESCRIPTION) == {
        f"{NAME} locale=en": TextValue("Widget 2"),
        f"{NAME} locale=de": TextValue("Tisch"),
        f"{NAME} locale=fr": TextValue("Table “Été”"),
        f"{DESCRIPTION} locale=de": TextValue("Aus Eiche,\ngeölt"),
    }


async def test_a_price_list_in_two_currencies(tryton: RunningTryton, caller: PlainCaller) -> None:
    adapter, config = Tryton(), tryton.connection(overlap_seconds=0, price_lists="Retail", currencies="EUR")
    tryton.set_list_price("SKU-006", Decimal(20))
    page = await adapter.poll(caller, config, "", utc_now())
    assert values_of(adapter, page, "SKU-006", PRICE) == {
        f"{PRICE} ": MoneyValue("20", "USD"),
        f"{PRICE} currency=EUR": MoneyValue("40", "EUR"),
        f"{PRICE} currency=USD,price_list=Retail": MoneyValue("18", "USD"),
        f"{PRICE} currency=EUR,price_list=Retail": MoneyValue("36", "EUR"),
    }
    tryton.set_list_price("SKU-007", Decimal("0.05"))
    page = await adapter.poll(caller, config, page.cursor, utc_now())
    with pytest.raises(PayloadInvalid, match=r"0\.0450 .* exact amount of USD") as raised:
        values_of(adapter, page, "SKU-007", PRICE)
    assert [each.dimension for each in raised.value.unreadable] == ["currency=USD,price_list=Retail"]
    page = await adapter.poll(caller, config, page.cursor, utc_now())
    assert values_of(adapter, page, "SKU-006", PRICE) == {}
    tryton.set_formula("Retail", "(unit_price * Decimal('0.5')).quantize(Decimal('0.01'))")
    page = await adapter.poll(caller, config, page.cursor, utc_now())
    in_euros = f"{PRICE} currency=EUR,price_list=Retail"
    assert values_of(adapter, page, "SKU-006", PRICE)[in_euros] == MoneyValue("20", "EUR")
    tryton.set_rate("EUR", Decimal(3))
    page = await adapter.poll(caller, config, page.cursor, utc_now())
    assert values_of(adapter, page, "SKU-006", PRICE)[in_euros] == MoneyValue("30", "EUR")


async def test_delivery_charges_are_no_products(tryton: RunningTryton, caller: PlainCaller) -> None:
    adapter = Tryton()
    for code, count in (("DELIVERY", 20), ("", 21)):
        page = await adapter.poll(caller, tryton.connection(delivery_code=code), "", utc_now())
        assert len(page.payloads) == count


async def test_an_order_is_one_confirmed_sale_and_its_status_follows_the_shipment(
    tryton: RunningTryton, caller: PlainCaller
) -> None:
    since = f"{utc_now() - timedelta(days=1):%Y-%m-%d}"
    adapter, config = Tryton(), tryton.connection(overlap_seconds=0, orders_since=since)
    order = an_order("SHOP-1001")
    assert await adapter.orders.read(caller, config, [order.key]) == [ChannelReading(order.key, None)]
    for _ in range(2):
        (result,) = await adapter.orders.push(caller, config, [order])
        assert result.state is WriteState.ACCEPTED, result.detail
    assert await adapter.orders.read(caller, config, [order.key]) == [ChannelReading(order.key, AN_ORDER)]
    (sale,) = tryton.search("sale.sale", [["reference", "=", "SHOP-1001"]], ["state", "untaxed_amount", "warehouse"])
    assert (sale["state"], sale["untaxed_amount"]["decimal"]) == ("processing", "57.50")
    code, cursor = await status_of(adapter, caller, config, "")
    assert code == EnumerationValue("confirmed")
    tryton.pack("SHOP-1001")
    code, cursor = await status_of(adapter, caller, config, cursor)
    assert code == EnumerationValue("allocated")
    tryton.ship("SHOP-1001")
    page = await adapter.poll(caller, config, cursor, utc_now())
    code, cursor = await status_of(adapter, caller, config, cursor)
    assert code == EnumerationValue("shipped")
    found = [one for _, body in page.payloads for one in adapter.translate(body) if isinstance(one, ShipmentUpdated)]
    [shipment] = found
    sent = sorted((one.sku, one.quantity.amount, one.order, bool(one.order_line)) for one in shipment.lines)
    assert sent == [
        ("SKU-003", "2", "SHOP-1001", True), ("SKU-004", "1", "SHOP-1001", True), ("SKU-004", "1", "SHOP-1001", True),
    ]  # fmt: skip
    assert (shipment.status, bool(shipment.number)) == ("dispatched", True)
    assert await adapter.orders.read(caller, config, [order.key]) == [ChannelReading(order.key, AN_ORDER)]


async def test_a_refusal_of_trytons_quotes_its_message(tryton: RunningTryton, caller: PlainCaller) -> None:
    adapter, config = Tryton(), tryton.connection()
    for number, change, sentence in (
        ("SHOP-2001", {"lines": (OrderLine("NO-SUCH-SKU", "1", "1"),)}, "no product with the code NO-SUCH-SKU"),
        ("SHOP-2002", {"lines": (OrderLine("SKU-005", "1.5", "1"),)}, "Quantity"),
        ("SHOP-2003", {"lines": (OrderLine("SKU-005", "1", "1.00001"),)}, "Unit Price"),
        ("SHOP-2004", {"currency": "CHF"}, "no currency CHF"),
    ):
        write = msgspec.structs.replace(an_order(number), value=msgspec.structs.replace(AN_ORDER, **change))
        (result,) = await adapter.orders.push(caller, config, [write])
        assert (result.state, sentence in result.detail) == (WriteState.REFUSED, True), result.detail
        assert await adapter.orders.read(caller, config, [write.key]) == [ChannelReading(write.key, None)]
    euros = msgspec.structs.replace(an_order("SHOP-2005"), value=msgspec.structs.replace(AN_ORDER, currency="EUR"))
    (result,) = await adapter.orders.push(caller, config, [euros])
    assert result.state is WriteState.ACCEPTED, result.detail
    assert await adapter.orders.read(caller, config, [euros.key]) == [ChannelReading(euros.key, euros.value)]


async def test_two_sales_of_one_order_need_a_person(tryton: RunningTryton, caller: PlainCaller) -> None:
    adapter, config, order = Tryton(), tryton.connection(), an_order("SHOP-3001")
    await adapter.orders.push(caller, config, [order])
    tryton.copy_sale("SHOP-3001")
    (result,) = await adapter.orders.push(caller, config, [order])
    assert (result.state, "2 sales" in result.detail) == (WriteState.REFUSED, True)
    page = await adapter.poll(caller, config, "", utc_now())
    (body,) = (body for _, body in page.payloads if b"SHOP-3001" in body)
    with pytest.raises(PayloadInvalid, match="2 sales") as raised:
        adapter.translate(body)
    assert [each.key for each in raised.value.unreadable] == [ElementKey("SHOP-3001", ORDER_STATUS, "", ORDER)]


def copied_to_draft(tryton: RunningTryton, number: str) -> None:
    """A duplicate of the sale under another number. Only this makes a draft, because Tryton processes at once."""
    tryton.copy_sale(number)
    newest = tryton.search("sale.sale", [["reference", "=", number]], ["id", "state"])
    (draft,) = [each["id"] for each in newest if each["state"] == "draft"]
    tryton.write("sale.sale", draft, {"reference": f"{number}-B"})


async def test_a_draft_is_amended_and_a_processed_sale_is_refused(tryton: RunningTryton, caller: PlainCaller) -> None:
    adapter, config, order = Tryton(), tryton.connection(), an_order("SHOP-4001")
    await adapter.orders.push(caller, config, [order])
    copied_to_draft(tryton, "SHOP-4001")
    other = msgspec.structs.replace(AN_ORDER, customer="Ada King", lines=(OrderLine("SKU-005", "3", "18"),))
    late = ChannelWrite(order.key, other, 2, "late")
    (result,) = await adapter.orders.push(caller, config, [late])
    assert (result.state, result.detail.message.code) == (WriteState.REFUSED, "tryton.sale_fixed")
    assert await adapter.orders.read(caller, config, [order.key]) == [ChannelReading(order.key, AN_ORDER)]
    key = ElementKey("SHOP-4001-B", ORDER_DOCUMENT, "", ORDER)
    (result,) = await adapter.orders.push(caller, config, [ChannelWrite(key, other, 2, "amend")])
    assert result.state is WriteState.ACCEPTED, result.detail
    assert await adapter.orders.read(caller, config, [key]) == [ChannelReading(key, other)]
    (sale,) = tryton.search("sale.sale", [["reference", "=", "SHOP-4001-B"]], ["state", "untaxed_amount"])
    assert (sale["state"], sale["untaxed_amount"]["decimal"]) == ("processing", "58.90")


async def test_an_order_that_the_shop_cancels_is_cancelled_as_far_as_tryton_allows(
    tryton: RunningTryton, caller: PlainCaller
) -> None:
    adapter, config, order = Tryton(), tryton.connection(), an_order("SHOP-5001")
    await adapter.orders.push(caller, config, [order])
    copied_to_draft(tryton, "SHOP-5001")
    cancelled = cancelled_order("USD")
    (result,) = await adapter.orders.push(caller, config, [ChannelWrite(order.key, cancelled, 2, "c")])
    assert (result.state, result.detail.message.code) == (WriteState.REFUSED, "tryton.cancelled_too_late")
    for number in ("SHOP-5001-B", "SHOP-5002"):  # a draft, and an order that Tryton never received
        key = ElementKey(number, ORDER_DOCUMENT, "", ORDER)
        for _ in range(2):
            (result,) = await adapter.orders.push(caller, config, [ChannelWrite(key, cancelled, 2, "c")])
            assert result.state is WriteState.ACCEPTED, result.detail
        assert await adapter.orders.read(caller, config, [key]) == [ChannelReading(key, cancelled)]
        (sale,) = tryton.search("sale.sale", [["reference", "=", number]], ["state"])
        assert sale["state"] == "cancelled"
