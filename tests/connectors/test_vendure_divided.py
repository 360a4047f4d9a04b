"""Prices per currency and price list, and stock per location, in shops with unusual settings."""

from collections.abc import Mapping

import msgspec
import pytest

from canonical.dimensions import dimension
from canonical.elements import PRICE, STOCK
from canonical.keys import ElementKey
from canonical.values import Value, money
from connectors.ports import ChannelReading, ChannelWrite, ConnectionConfig, HttpResponse, WriteResult, WriteState
from connectors.registry import build_registry
from connectors.vendure.adapter import Vendure
from tests.connectors.vendure_shop import CONFIG, Shop
from tests.support.values import minor, pieces

ACCEPTED, REFUSED = WriteState.ACCEPTED, WriteState.REFUSED


def key(element: str, sku: str = "SKU-1", **parts: str) -> ElementKey:
    return ElementKey(sku, element, dimension(**parts))


def write(key: ElementKey, value: Value, version: int = 1) -> ChannelWrite:
    return ChannelWrite(key, value, version, f"{key}:{version}")


async def push(shop: Shop, *writes: ChannelWrite) -> list[WriteResult]:
    return await Vendure().push(shop, CONFIG, writes)


async def read(shop: Shop, *keys: ElementKey) -> list[ChannelReading]:
    return await Vendure().read(shop, CONFIG, keys)


@pytest.fixture
def shop() -> Shop:
    made = Shop("USD", available=("EUR", "JPY"))
    made.add("7", "SKU-1", USD=1000)
    made.add("8", "SKU-2", USD=2000)
    return made


async def test_each_currency_is_written_and_read_separately(shop: Shop) -> None:
    keys = [key(PRICE), key(PRICE, currency="EUR"), key(PRICE, currency="JPY")]
    values = [minor(1100, "USD"), minor(950, "EUR"), minor(1700, "JPY")]
    results = await push(shop, *map(write, keys, values))
    assert [r.state for r in results] == [ACCEPTED] * 3
    assert shop.variants["7"]["prices"] == {"USD": 1100, "EUR": 950, "JPY": 170_000}
    assert [r.value for r in await read(shop, *keys, key(PRICE, "SKU-2", currency="EUR"))] == [*values, None]


async def test_an_unsupported_currency_is_refused_with_a_remedy(shop: Shop) -> None:
    foreign, own = key(PRICE, currency="CHF"), key(PRICE, currency="EUR")
    refused, accepted = await push(shop, write(foreign, minor(900, "CHF")), write(own, minor(950, "EUR")))
    assert (refused.state, accepted.state) == (REFUSED, ACCEPTED)
    assert "only in USD, EUR, JPY. Add CHF to the channel's available currencies" in refused.detail
    shop.variants["7"]["prices"]["CHF"] = 900  # of a currency in which the product was sold before
    [reading] = await read(shop, foreign)
    assert (reading.value, reading.unreadable) == (None, ""), "no buyer is shown it"


async def test_two_values_of_one_field_are_both_refused_and_equal_ones_are_written_once(shop: Shop) -> None:
    pair = [key(PRICE), key(PRICE, currency="USD")]
    for element, others in ((PRICE, pair), (STOCK, [key(STOCK), key(STOCK, location="Main")])):
        values = [minor(1100, "USD"), minor(1200, "USD")] if element == PRICE else [pieces(3), pieces(4)]
        neighbour = write(ElementKey("SKU-2", element), values[0])
        results = await push(shop, *map(write, others, values), neighbour)
        assert [r.state for r in results] == [REFUSED, REFUSED, ACCEPTED]
        assert "they differ: no dimension, " in results[0].detail
        results = await push(shop, *[write(each, values[0]) for each in others])
        assert [r.state for r in results] == [ACCEPTED, ACCEPTED]
    assert shop.variants["7"] == {"sku": "SKU-1", "prices": {"USD": 1100}, "stock": {"1": 3, "2": 70}}


async def test_an_older_value_of_the_same_batch_conflicts_with_nothing(shop: Shop) -> None:
    results = await push(
        shop,
        write(key(PRICE), minor(900, "USD"), 1),
        write(key(PRICE), minor(1100, "USD"), 2),
        write(key(PRICE, currency="USD"), minor(1100, "USD"), 1),
    )
    assert [r.state for r in results] == [WriteState.STALE, ACCEPTED, ACCEPTED]


@pytest.mark.parametrize("name", ["Berlin", "2"])
async def test_stock_is_written_to_its_location_by_name_or_id(shop: Shop, name: str) -> None:
    keys = [key(STOCK), key(STOCK, location=name)]
    assert [r.state for r in await push(shop, *map(write, keys, [pieces(6), pieces(8)]))] == [ACCEPTED] * 2
    assert shop.variants["7"]["stock"] == {"1": 6, "2": 8}
    assert [r.value for r in await read(shop, *keys)] == [pieces(6), pieces(8)]


async def test_a_location_without_a_level_has_no_stock(shop: Shop) -> None:
    shop.locations["3"] = "Hamburg"  # on the second page of locations
    [reading] = await read(shop, key(STOCK, location="Hamburg"))
    assert reading.value == pieces(0)


async def test_an_unknown_location_is_refused_with_the_known_ones(shop: Shop) -> None:
    shop.locations |= {"3": "Twin", "4": "Twin"}
    wanted = [key(STOCK, location="Paris"), key(STOCK, location="Twin"), key(STOCK, location="Berlin")]
    paris, twin, berlin = await push(shop, *[write(each, pieces(8)) for each in wanted])
    assert [r.state for r in (paris, twin, berlin)] == [REFUSED, REFUSED, ACCEPTED]
    assert "no stock location named “Paris”. It has: Main, Berlin, Twin, Twin." in paris.detail
    assert "2 stock locations named “Twin”" in twin.detail
    assert [r.value for r in await read(shop, *wanted)] == [None, None, pieces(8)]


async def test_locations_are_requested_only_when_a_key_names_one(shop: Shop) -> None:
    adapter = Vendure()
    await adapter.push(shop, CONFIG, [write(key(STOCK), pieces(1))])
    shop.asked.clear()
    await adapter.push(shop, CONFIG, [write(key(STOCK), pieces(1)), write(key(PRICE, currency="EUR"), minor(1, "EUR"))])
    assert len(shop.asked) == 2


@pytest.mark.parametrize(
    ("precision", "value"),
    [(2, minor(2**53, "EUR")), (2, money("1.005", "EUR")), (0, money("1.50", "EUR")), (2, minor(-1, "EUR"))],
)
async def test_a_price_that_the_shop_cannot_store_exactly_is_refused(shop: Shop, precision: int, value: Value) -> None:
    shop.precision = precision
    [result] = await push(shop, write(key(PRICE, currency="EUR"), value))
    assert (result.state, shop.variants["7"]["prices"]) == (REFUSED, {"USD": 1000})


@pytest.mark.parametrize("shown", ["10.5", "true", "1e400", "9007199254740993", '"ten"'])
async def test_an_odd_number_leaves_its_neighbours_readable(shop: Shop, shown: str) -> None:
    raw = msgspec.Raw(shown.encode())
    shop.variants["7"]["prices"]["EUR"] = shop.variants["7"]["stock"]["2"] = raw
    keys = [key(PRICE, currency="EUR"), key(STOCK, location="Berlin"), key(PRICE, currency="USD")]
    price, stock, plain = await read(shop, *keys)
    assert (price.value, stock.value, plain.value) == (None, None, minor(1000, "USD"))
    assert price.unreadable
    assert stock.unreadable


async def test_variants_that_share_a_sku_are_reported_and_not_written(shop: Shop) -> None:
    shop.add("9", "SKU-1", USD=1)
    keys = [key(PRICE, currency="EUR"), key(STOCK, location="Berlin")]
    results = await push(shop, write(keys[0], minor(950, "EUR")), write(keys[1], pieces(8)))
    assert [(r.state, "2 variants" in r.detail) for r in results] == [(REFUSED, True)] * 2
    assert ["2 variants" in r.unreadable for r in await read(shop, *keys)] == [True, True]
    assert shop.variants["9"]["stock"]["2"] == shop.variants["7"]["stock"]["2"] == 70


class Channels:
    """Vendure channels of one shop, by token."""

    def __init__(self, **shops: Shop) -> None:
        self.shops = {"": Shop(), **shops}
        for token, shop in self.shops.items():
            shop.channel = token
            shop.add("7", "SKU-1", USD=1000)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> HttpResponse:
        shop = self.shops[(headers or {}).get("vendure-token", "")]
        return await shop.request(method, url, headers=headers, content=content)


async def test_a_price_list_is_shown_by_its_own_channel() -> None:
    config = ConnectionConfig(
        "shop", CONFIG.base_url, {**CONFIG.settings, "price_lists": "trade=t1, vip=t2"}, CONFIG.secrets
    )
    shop = Channels(t1=Shop("EUR"), t2=Shop("USD", available=("EUR",)))
    keys = [
        key(PRICE), key(PRICE, price_list="trade"), key(PRICE, price_list="vip", currency="EUR"),
        key(PRICE, price_list="retail"),
    ]  # fmt: skip
    values = [minor(1100, "USD"), minor(900, "EUR"), minor(800, "EUR"), minor(1200, "USD")]
    results = await Vendure().push(shop, config, list(map(write, keys, values)))
    assert [r.state for r in results] == [ACCEPTED, ACCEPTED, ACCEPTED, REFUSED]
    assert "price list “retail”. It names: trade, vip." in results[3].detail
    assert [r.value for r in await Vendure().read(shop, config, keys)] == [*values[:3], None]
    prices = {token: each.variants["7"]["prices"] for token, each in shop.shops.items()}
    assert prices == {"": {"USD": 1100}, "t1": {"USD": 1000, "EUR": 900}, "t2": {"USD": 1000, "EUR": 800}}


async def test_unsupported_dimensions_are_neither_planned_nor_written(shop: Shop) -> None:
    grouped, dated = key(PRICE, customer_group="vip"), key(STOCK, location="Berlin")
    connector = build_registry()["vendure"]
    assert [connector.accepts(each) for each in (grouped, dated)] == [False, True]
    [result] = await push(shop, write(grouped, minor(1, "USD")))
    assert (result.state, "by customer_group" in result.detail) == (REFUSED, True)
    assert [r.value for r in await read(shop, grouped)] == [None]
