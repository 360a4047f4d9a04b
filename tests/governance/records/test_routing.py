"""Routing of values to the connections that can show them, never to their own source of truth."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from canonical.dimensions import dimension
from canonical.elements import DESCRIPTION, ORDER_DOCUMENT, ORDER_STATUS, PRICE, STOCK
from canonical.keys import ElementKey
from connectors.manifest import ANY, WriteRule
from connectors.registry import build_registry
from governance.elements.contracts import Contracts
from governance.elements.rows import Contract
from governance.records.routing import targets_of
from governance.records.rows import Channel

SHOP = Channel(UUID(int=1), None, "Shop", (WriteRule(PRICE, dimensions=("currency",)), WriteRule(STOCK)))
MARKET = Channel(UUID(int=2), None, "Market", (WriteRule(ANY, dimensions=(ANY,)),))
ORDERS = Channel(UUID(int=3), None, "Orders", (WriteRule("order.status", record_type="order"),))
CHANNELS = (SHOP, MARKET, ORDERS)


def names(key: ElementKey, source: UUID | None = None) -> list[str]:
    own = None if source is None else contract(key.element, source)
    return [channel.name for channel in targets_of(key, CHANNELS, own)]


def contract(element: str, source: UUID, selector: str = "") -> Contract:
    return Contract(element, source, 1, 1, 1, None, 1, selector=selector)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (ElementKey("A", PRICE), ["Shop", "Market"]),
        (ElementKey("A", PRICE, dimension(currency="EUR")), ["Shop", "Market"]),
        (ElementKey("A", PRICE, dimension(currency="EUR", price_list="retail")), ["Market"]),
        (ElementKey("A", STOCK, dimension(location="Berlin")), ["Market"]),
        (ElementKey("A", DESCRIPTION, dimension(locale="de")), ["Market"]),
        (ElementKey("7", "order.status", "", "order"), ["Orders"]),
        (ElementKey("7", "order.total", "", "order"), []),
    ],
)
def test_a_value_goes_where_it_can_be_shown(key: ElementKey, expected: list[str]) -> None:
    assert names(key) == expected


def test_a_source_of_truth_is_never_sent_its_own_values() -> None:
    assert names(ElementKey("A", PRICE), MARKET.connection_id) == ["Shop"]
    assert names(ElementKey("7", "order.status", "", "order"), ORDERS.connection_id) == []


def test_a_contract_that_names_channels_sends_to_no_other() -> None:
    key = ElementKey("A", PRICE)
    for chosen in (frozenset({SHOP.connection_id}), frozenset[UUID]()):
        own = replace(contract(PRICE, UUID(int=9)), channels=chosen)
        assert {one.connection_id for one in targets_of(key, CHANNELS, own)} == chosen


def test_order_status_returns_to_the_orders_shop_only() -> None:
    shops = [replace(ORDERS, connection_id=UUID(int=n), name=f"Shop {n}") for n in (4, 5, 6)]
    contracts = Contracts([
        contract(ORDER_STATUS, UUID(int=9)),
        contract(ORDER_DOCUMENT, UUID(int=4)),
        contract(ORDER_DOCUMENT, UUID(int=5), "record_key=EU-*"),
    ])  # fmt: skip

    def reached(record_key: str, contracts: Contracts) -> list[str]:
        key = ElementKey(record_key, ORDER_STATUS, "", "order")
        return [
            each.name
            for each in targets_of(key, shops, contract(ORDER_STATUS, UUID(int=9)), only=contracts.returned_to(key))
        ]

    assert reached("US-1", contracts) == ["Shop 4"]
    assert reached("EU-1", contracts) == ["Shop 5"]
    assert reached("EU-1", Contracts([contract(ORDER_STATUS, UUID(int=9))])) == ["Shop 4", "Shop 5", "Shop 6"]


def test_every_connector_declares_what_its_adapter_can_write() -> None:
    registry = build_registry()
    assert registry["vendure"].accepts(ElementKey("A", PRICE))
    assert not registry["tryton"].accepts(ElementKey("A", PRICE))
    assert not registry["sandbox-market"].accepts(ElementKey("7", "order.status", "", "order"))
