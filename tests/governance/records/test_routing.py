"""Routing of values to the connections that can show them, never to their own source of truth."""

from uuid import UUID

import pytest

from canonical.dimensions import dimension
from canonical.elements import DESCRIPTION, PRICE, STOCK
from canonical.keys import ElementKey
from connectors.manifest import ANY, WriteRule
from connectors.registry import build_registry
from governance.records.routing import targets_of
from governance.records.rows import Channel

SHOP = Channel(UUID(int=1), None, "Shop", (WriteRule(PRICE, dimensions=("currency",)), WriteRule(STOCK)))
MARKET = Channel(UUID(int=2), None, "Market", (WriteRule(ANY, dimensions=(ANY,)),))
ORDERS = Channel(UUID(int=3), None, "Orders", (WriteRule("order.status", record_type="order"),))
CHANNELS = (SHOP, MARKET, ORDERS)


def names(key: ElementKey, source: UUID | None = None) -> list[str]:
    return [channel.name for channel in targets_of(key, CHANNELS, source)]


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


def test_every_connector_declares_what_its_adapter_can_write() -> None:
    registry = build_registry()
    assert registry["vendure"].accepts(ElementKey("A", PRICE))
    assert not registry["tryton"].accepts(ElementKey("A", PRICE))
    assert not registry["sandbox-market"].accepts(ElementKey("7", "order.status", "", "order"))
