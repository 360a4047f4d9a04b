"""Divided values on a real Vendure: currencies, stock locations, price lists."""

from typing import Any

import pytest

from canonical.dimensions import dimension
from canonical.elements import PRICE, STOCK
from canonical.keys import ElementKey
from canonical.values import Value
from connectors.ports import ChannelWrite, ConnectionConfig, WriteResult, WriteState
from connectors.vendure.adapter import Vendure
from tests.connectors.running import PlainCaller
from tests.real.vendure import FIRST_LOCATION, SECOND_LOCATION, RunningVendure
from tests.support.values import minor, pieces

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

ACCEPTED, REFUSED = WriteState.ACCEPTED, WriteState.REFUSED


def write(key: ElementKey, value: Value, version: int = 1) -> ChannelWrite:
    return ChannelWrite(key, value, version, f"{key}:{version}")


class Trade:
    """An adapter with one connection to the shop."""

    def __init__(self, shop: RunningVendure, caller: PlainCaller, **settings: str) -> None:
        self.shop, self.caller, self.adapter = shop, caller, Vendure()
        self.config: ConnectionConfig = shop.connection(**settings)

    async def push(self, *writes: ChannelWrite) -> list[WriteResult]:
        return await self.adapter.push(self.caller, self.config, writes)

    async def read(self, *keys: ElementKey) -> list[Value | None]:
        readings = await self.adapter.read(self.caller, self.config, keys)
        assert not any(reading.unreadable for reading in readings)
        return [reading.value for reading in readings]


@pytest.fixture
def trade(real_shop: RunningVendure, caller: PlainCaller) -> Trade:
    return Trade(real_shop, caller)


async def test_a_shopper_sees_the_price_of_each_currency(trade: Trade) -> None:
    keys = [ElementKey("SKU-001", PRICE), ElementKey("SKU-001", PRICE, dimension(currency="EUR"))]
    values = [minor(1234, "USD"), minor(1099, "EUR")]
    results = await trade.push(*map(write, keys, values))
    assert [r.state for r in results] == [ACCEPTED, ACCEPTED]
    assert await trade.read(*keys) == values
    assert [trade.shop.shopper_price("SKU-001", currency) for currency in ("USD", "EUR")] == [1234, 1099]
    await trade.push(write(keys[1], minor(1100, "EUR"), 2))
    assert await trade.read(*keys) == [values[0], minor(1100, "EUR")]


async def test_a_currency_that_the_shop_does_not_sell_in_is_refused(trade: Trade) -> None:
    key = ElementKey("SKU-002", PRICE, dimension(currency="CHF"))
    neighbour = ElementKey("SKU-002", PRICE, dimension(currency="EUR"))
    refused, accepted = await trade.push(write(key, minor(900, "CHF")), write(neighbour, minor(950, "EUR")))
    assert (refused.state, accepted.state) == (REFUSED, ACCEPTED)
    assert "only in USD, EUR" in refused.detail
    assert await trade.read(key, neighbour) == [None, minor(950, "EUR")]


async def test_each_warehouse_has_its_own_stock(trade: Trade) -> None:
    keys = [
        ElementKey("SKU-003", STOCK, dimension(location=FIRST_LOCATION)),
        ElementKey("SKU-003", STOCK, dimension(location=SECOND_LOCATION)),
    ]
    untouched = ElementKey("SKU-004", STOCK, dimension(location=SECOND_LOCATION))
    results = await trade.push(write(keys[0], pieces(11)), write(keys[1], pieces(22)))
    assert [r.state for r in results] == [ACCEPTED, ACCEPTED]
    assert await trade.read(*keys, untouched) == [pieces(11), pieces(22), pieces(0)]
    levels = {
        each["stockLocation"]["name"]: each["stockOnHand"] for each in trade.shop.variant("SKU-003")["stockLevels"]
    }
    assert levels == {FIRST_LOCATION: 11, SECOND_LOCATION: 22}


async def test_an_unknown_warehouse_is_refused_with_those_that_there_are(trade: Trade) -> None:
    key = ElementKey("SKU-003", STOCK, dimension(location="Paris"))
    [result] = await trade.push(write(key, pieces(1)))
    assert result.state is REFUSED
    assert f"It has: {FIRST_LOCATION}, {SECOND_LOCATION}." in result.detail
    assert await trade.read(key) == [None]


async def test_a_price_list_is_shown_by_its_own_vendure_channel(real_shop: RunningVendure, caller: PlainCaller) -> None:
    _open_channel(real_shop, "trade", "SKU-005")
    trade = Trade(real_shop, caller, price_lists="trade=token-of-trade")
    keys = [ElementKey("SKU-005", PRICE), ElementKey("SKU-005", PRICE, dimension(price_list="trade"))]
    values = [minor(1700, "USD"), minor(1500, "USD")]
    results = await trade.push(*map(write, keys, values))
    assert [r.state for r in results] == [ACCEPTED, ACCEPTED]
    assert await trade.read(*keys) == values
    assert real_shop.shopper_price("SKU-005") == 1700
    elsewhere = ElementKey("SKU-006", PRICE, dimension(price_list="trade"))
    [unknown] = await trade.push(write(elsewhere, minor(1, "USD")))
    assert (unknown.state, "no variant with this SKU" in unknown.detail) == (REFUSED, True)


def _open_channel(shop: RunningVendure, code: str, sku: str) -> None:
    """Create a Vendure channel with one product, as an administrator does."""
    default = shop.administer("{ activeChannel { defaultTaxZone { id } defaultShippingZone { id } seller { id } } }")
    own = default["activeChannel"]
    new: dict[str, Any] = {
        "code": code, "token": f"token-of-{code}", "defaultLanguageCode": "en", "pricesIncludeTax": False,
        "defaultCurrencyCode": "USD", "defaultTaxZoneId": own["defaultTaxZone"]["id"],
        "defaultShippingZoneId": own["defaultShippingZone"]["id"], "sellerId": own["seller"]["id"],
    }  # fmt: skip
    create = "mutation ($i: CreateChannelInput!) { createChannel(input: $i) { ... on Channel { id } } }"
    channel = shop.administer(create, i=new)["createChannel"]["id"]
    assign = "mutation ($i: AssignProductsToChannelInput!) { assignProductsToChannel(input: $i) { id } }"
    shop.administer(assign, i={"channelId": channel, "productIds": [shop.variant(sku)["product"]["id"]]})
