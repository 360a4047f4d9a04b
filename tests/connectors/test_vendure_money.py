"""Vendure's integers in shops whose digits, currencies and locations differ from the real shop of `test_vendure`."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.elements import COST, PRICE, STOCK
from canonical.keys import ElementKey
from canonical.money import minor_exponent
from canonical.values import Value, minor_money
from connectors.ports import ChannelWrite, ConnectionConfig, SystemUnavailable, WriteState
from connectors.vendure.adapter import Vendure
from connectors.vendure.messages import IDS, LOGIN, SHOP, UPDATE, VARIANTS
from tests.connectors.vendure_shop import CONFIG, Shop
from tests.support.values import minor, pieces


def write(value: Value, element: str = PRICE, sku: str = "SKU-1") -> ChannelWrite:
    return ChannelWrite(ElementKey(sku, element), value, 1, "k")


async def push(shop: Shop, *writes: ChannelWrite) -> list[WriteState]:
    return [result.state for result in await Vendure().push(shop, CONFIG, writes)]


async def read(shop: Shop, element: str = PRICE, sku: str = "SKU-1") -> Value | None:
    [reading] = await Vendure().read(shop, CONFIG, [ElementKey(sku, element)])
    return reading.value


@pytest.mark.parametrize(
    ("currency", "precision", "minor", "stored"),
    [
        ("USD", 2, 1234, 1234), ("USD", 3, 1234, 12340), ("JPY", 2, 500, 50000), ("JPY", 0, 500, 500),
        ("KWD", 3, 1005, 1005), ("KWD", 2, 1010, 101), ("EUR", 0, 1200, 12),
    ],
)  # fmt: skip
async def test_a_price_is_written_in_the_shops_digits_and_read_in_ours(
    currency: str, precision: int, minor: int, stored: int
) -> None:
    shop = Shop(currency, precision)
    shop.add("7", "SKU-1", **{currency: 1})
    assert await push(shop, write(minor_money(minor, currency))) == [WriteState.ACCEPTED]
    assert shop.variants["7"]["prices"] == {currency: stored}
    assert await read(shop) == minor_money(minor, currency)


@pytest.mark.parametrize(("currency", "precision", "minor"), [("KWD", 2, 1005), ("USD", 0, 1250), ("USD", 1, 1)])
async def test_a_price_that_the_shop_cannot_store_is_refused_and_never_rounded(
    currency: str, precision: int, minor: int
) -> None:
    shop = Shop(currency, precision)
    shop.add("7", "SKU-1", **{currency: 1})
    assert await push(shop, write(minor_money(minor, currency))) == [WriteState.REFUSED]
    assert shop.variants["7"]["prices"] == {currency: 1}


@given(st.sampled_from(["USD", "JPY", "KWD"]), st.integers(0, 4), st.integers(0, 2**31))
async def test_accepted_values_are_read_back_unchanged(currency: str, precision: int, minor: int) -> None:
    shop = Shop(currency, precision)
    shop.add("7", "SKU-1", **{currency: 1})
    held = minor % 10 ** max(0, minor_exponent(currency) - precision) == 0
    assert await push(shop, write(minor_money(minor, currency))) == [
        WriteState.ACCEPTED if held else WriteState.REFUSED
    ]
    if held:
        assert await read(shop) == minor_money(minor, currency)


async def test_a_fraction_of_the_smallest_coin_is_no_value_of_ours() -> None:
    shop = Shop("USD", 3)
    shop.add("7", "SKU-1", USD=10_005)
    shop.add("8", "SKU-2", USD=10_000)
    assert (await read(shop), await read(shop, sku="SKU-2")) == (None, minor(1000, "USD"))


async def test_only_the_channels_own_currency_and_stock_location_count() -> None:
    shop = Shop("USD")
    shop.add("7", "SKU-1", EUR=999, USD=1000)
    shop.add("8", "SKU-2", EUR=999)
    assert (await read(shop), await read(shop, sku="SKU-2")) == (minor(1000, "USD"), None)
    assert await push(shop, write(minor(100, "EUR"))) == [WriteState.REFUSED]
    shop.variants["7"]["stock"] = {"2": 70, "1": 5}
    assert await read(shop, STOCK) == pieces(5)
    assert await push(shop, write(pieces(6), STOCK)) == [WriteState.ACCEPTED]
    assert shop.variants["7"] == {"sku": "SKU-1", "prices": {"EUR": 999, "USD": 1000}, "stock": {"2": 70, "1": 6}}


async def test_values_the_shop_cannot_show_are_refused_without_effect() -> None:
    shop = Shop()
    shop.add("7", "SKU-1", USD=1000)
    assert await push(shop, write(minor(100, "USD"), COST), write(minor(-1, "USD"))) == [WriteState.REFUSED] * 2
    assert shop.variants["7"] == {"sku": "SKU-1", "prices": {"USD": 1000}, "stock": {"1": 5, "2": 70}}


async def test_a_reading_returns_the_shops_value_not_the_written_one() -> None:
    adapter, shop = Vendure(), Shop(forgets=True)
    shop.add("7", "SKU-1", USD=1000)
    [result] = await adapter.push(shop, CONFIG, [write(minor(1100, "USD"))])
    [reading] = await adapter.read(shop, CONFIG, [ElementKey("SKU-1", PRICE)])
    assert (result.state, reading.value) == (WriteState.ACCEPTED, minor(1000, "USD"))
    shop.forgets = False
    await adapter.push(shop, CONFIG, [write(minor(1100, "USD"))])
    shop.variants["7"]["prices"]["USD"] = 900  # a member of the shop's staff
    [reading] = await adapter.read(shop, CONFIG, [ElementKey("SKU-1", PRICE)])
    assert reading.value == minor(900, "USD")


async def test_variants_that_share_a_sku_are_reported_and_not_written() -> None:
    shop = Shop()
    for variant_id, sku, price in (("7", "SKU-1", 700), ("8", "SKU-1", 800), ("9", "SKU-2", 900)):
        shop.add(variant_id, sku, USD=price)
    [shared, alone] = await Vendure().read(shop, CONFIG, [ElementKey("SKU-1", PRICE), ElementKey("SKU-2", PRICE)])
    assert (shared.value, alone.value) == (None, minor(900, "USD"))
    assert "2 variants" in shared.unreadable
    states = await push(shop, write(minor(750, "USD")), write(minor(950, "USD"), sku="SKU-2"))
    assert states == [WriteState.REFUSED, WriteState.ACCEPTED]
    assert [variant["prices"]["USD"] for variant in shop.variants.values()] == [700, 800, 950]


async def test_a_shop_whose_currency_changes_after_sign_in_is_not_written_in_it() -> None:
    adapter, shop = Vendure(), Shop("USD")
    shop.add("7", "SKU-1", USD=1500, JPY=1500)
    [first] = await adapter.push(shop, CONFIG, [write(minor(1500, "USD"))])
    shop.currency = "JPY"
    [second] = await adapter.push(shop, CONFIG, [write(minor(1600, "USD"))])
    assert (first.state, second.state) == (WriteState.ACCEPTED, WriteState.REFUSED)
    assert "JPY" in second.detail
    assert shop.variants["7"]["prices"] == {"USD": 1500, "JPY": 1500}
    [reading] = await adapter.read(shop, CONFIG, [ElementKey("SKU-1", PRICE)])
    assert reading.value == minor(15, "JPY")


async def test_a_shop_that_gets_other_digits_or_another_first_location_is_met_as_it_is() -> None:
    adapter, shop = Vendure(), Shop("USD")
    shop.add("7", "SKU-1", USD=1500)
    await adapter.push(shop, CONFIG, [write(minor(1500, "USD"))])
    shop.precision, shop.location = 3, "2"
    [reading, stock] = await adapter.read(shop, CONFIG, [ElementKey("SKU-1", PRICE), ElementKey("SKU-1", STOCK)])
    assert (reading.value, stock.value) == (minor(150, "USD"), pieces(70))
    await adapter.push(shop, CONFIG, [write(minor(1600, "USD")), write(pieces(9), STOCK)])
    assert shop.variants["7"]["prices"] == {"USD": 16_000}
    assert shop.variants["7"]["stock"] == {"1": 5, "2": 9}


async def test_a_shop_with_the_other_tax_setting_is_refused() -> None:
    adapter, shop = Vendure(), Shop("USD", taxed=True)
    shop.add("7", "SKU-1", USD=1500)
    config = ConnectionConfig("shop", CONFIG.base_url, {"username": "us", "prices_include_tax": "yes"}, CONFIG.secrets)
    [first] = await adapter.push(shop, config, [write(minor(1500, "USD"))])
    shop.taxed = False
    [second, stock] = await adapter.push(shop, config, [write(minor(1600, "USD")), write(pieces(9), STOCK)])
    assert [r.state for r in (first, second, stock)] == [WriteState.ACCEPTED, WriteState.REFUSED, WriteState.ACCEPTED]
    [reading] = await adapter.read(shop, config, [ElementKey("SKU-1", PRICE)])
    assert reading.value is None
    assert "tax" in reading.unreadable


@pytest.mark.parametrize("price", [b"10.5", b"true", b"1e400", b"9223372036854775808", b'"ten"'])
async def test_a_price_that_is_no_integer_leaves_its_neighbours_readable(price: bytes) -> None:
    shop = Shop()
    shop.add("7", "SKU-1", USD=msgspec.Raw(price))  # type: ignore[arg-type]
    shop.add("8", "SKU-2", USD=1000)
    [odd, plain] = await Vendure().read(shop, CONFIG, [ElementKey("SKU-1", PRICE), ElementKey("SKU-2", PRICE)])
    assert (odd.value, plain.value) == (None, minor(1000, "USD"))
    assert odd.unreadable


async def test_a_shop_in_an_unknown_currency_accepts_no_price() -> None:
    shop = Shop("ZZZ")
    shop.add("7", "SKU-1", ZZZ=1000)
    [result] = await Vendure().push(shop, CONFIG, [write(minor(1000, "USD"))])
    assert (result.state, "ISO 4217" in result.detail) == (WriteState.REFUSED, True)
    [reading] = await Vendure().read(shop, CONFIG, [ElementKey("SKU-1", PRICE)])
    assert (reading.value, "ISO 4217" in reading.unreadable) == (None, True)


@pytest.mark.parametrize("available", [(), ("USD", "JPY"), ("EUR",)])
@pytest.mark.parametrize("moment", [LOGIN, SHOP, IDS, UPDATE, VARIANTS], ids=["login", "shop", "ids", "write", "read"])
async def test_a_currency_that_changes_at_any_moment_writes_no_price_in_it(
    moment: str, available: tuple[str, ...]
) -> None:
    """16.00 USD is never read or written as 1,600 JPY, whenever the default currency changes."""
    adapter, shop = Vendure(), Shop("USD", available=available, changes={moment: "JPY"})
    shop.add("7", "SKU-1", USD=1500, JPY=700)
    [result] = await adapter.push(shop, CONFIG, [write(minor(1600, "USD"))])
    first, second = [(await adapter.read(shop, CONFIG, [ElementKey("SKU-1", PRICE)]))[0].value for _ in range(2)]
    written = result.state is WriteState.ACCEPTED
    assert shop.variants["7"]["prices"] == {"USD": 1600 if written else 1500, "JPY": 700}
    assert result.state in {WriteState.ACCEPTED, WriteState.REFUSED}
    assert second == minor(7, "JPY"), "what a buyer is shown from now on"
    assert first == (minor(1600, "USD") if moment == VARIANTS else second)


async def test_settings_that_change_between_two_pages_invalidate_the_reading() -> None:
    adapter, shop = Vendure(), Shop("USD")
    shop.add("7", "SKU-1", USD=1500, JPY=700)
    shop.add("8", "SKU-2", USD=1500, JPY=700)
    answer = shop._answer

    def one_at_a_time(query: str, variables: dict[str, Any]) -> dict[str, Any]:
        made = answer(query, variables)
        if query == VARIANTS:
            items = made["productVariants"]["items"]
            made["productVariants"] = {"items": items[:1], "totalItems": len(items)}
            shop.currency = "JPY"
        return made

    shop._answer = one_at_a_time  # type: ignore[method-assign]
    keys = [ElementKey("SKU-1", PRICE), ElementKey("SKU-2", PRICE)]
    with pytest.raises(SystemUnavailable, match="changed while"):
        await adapter.read(shop, CONFIG, keys)
    assert [r.value for r in await adapter.read(shop, CONFIG, keys)] == [minor(7, "JPY")] * 2


async def test_a_price_is_written_in_its_own_currency_beside_the_others() -> None:
    shop = Shop("USD", available=("EUR",))
    shop.add("7", "SKU-1", EUR=999, USD=1500)
    assert await push(shop, write(minor(1600, "USD"))) == [WriteState.ACCEPTED]
    assert shop.variants["7"]["prices"] == {"EUR": 999, "USD": 1600}
    assert await push(shop, write(minor(1700, "EUR"))) == [WriteState.REFUSED], "buyers are not shown it by default"


@pytest.mark.parametrize(("precision", "cents"), [(2, 2**53), (2, 2**53 + 1), (3, 2**53 // 10 + 1), (2, 2**63 - 1)])
async def test_a_price_beyond_the_shops_exact_numbers_is_refused(precision: int, cents: int) -> None:
    """The shop stores floats, so it would store a neighbouring number."""
    shop = Shop("USD", precision)
    shop.add("7", "SKU-1", USD=9007199254740992)
    [result] = await Vendure().push(shop, CONFIG, [write(minor(cents, "USD"))])
    assert (result.state, "exactly" in result.detail) == (WriteState.REFUSED, True)
    [reading] = await Vendure().read(shop, CONFIG, [ElementKey("SKU-1", PRICE)])
    assert (reading.value, "9007199254740992" in reading.unreadable) == (None, True)


@pytest.mark.parametrize("shown", ["12.5", "1e30", '"many"', "null", "true", "9007199254740993"])
async def test_an_invalid_stock_is_reported_and_the_others_are_read(shown: str) -> None:
    shop = Shop()
    shop.add("7", "SKU-1", USD=1000)
    shop.add("8", "SKU-2", USD=1000)
    shop.variants["7"]["stock"]["1"] = msgspec.Raw(shown.encode())
    keys = [ElementKey("SKU-1", STOCK), ElementKey("SKU-1", PRICE), ElementKey("SKU-2", STOCK)]
    odd, price, stock = await Vendure().read(shop, CONFIG, keys)
    assert (odd.value, price.value, stock.value) == (None, minor(1000, "USD"), pieces(5))
    assert shown.strip('"') in odd.unreadable or "exactly" in odd.unreadable


async def test_one_variant_on_two_pages_is_one() -> None:
    shop = Shop()
    shop.add("7", "SKU-1", USD=1000)
    answer = shop._answer

    def twice(query: str, variables: dict[str, Any]) -> dict[str, Any]:
        made = answer(query, variables)
        if query == VARIANTS:
            made["productVariants"]["items"] *= 2
        return made

    shop._answer = twice  # type: ignore[method-assign]
    assert await read(shop) == minor(1000, "USD")
