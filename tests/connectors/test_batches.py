"""A value or batch size that a channel refuses blocks no other value. The channels are in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from canonical.elements import PRICE, STOCK
from canonical.keys import ElementKey
from connectors import batches
from connectors.ports import (
    ChannelAdapter,
    ChannelReading,
    ChannelWrite,
    ConnectionConfig,
    HttpResponse,
    PayloadInvalid,
    SystemUnavailable,
    WriteState,
)
from connectors.sandbox.market.adapter import SandboxMarket
from connectors.sandbox.shop.adapter import SandboxShop
from foundation.i18n.messages import TEXT
from foundation.outbound.errors import AnswerTooLarge, OutboundUnavailable
from tests.support.values import minor, pieces

CONFIG = ConnectionConfig("c", "https://channel.example", {}, {"api_key": "of a test"})
ADAPTERS = pytest.mark.parametrize("adapter", [SandboxShop(), SandboxMarket()], ids=["shop", "market"])


@dataclass
class Answered:
    """An `HttpResponse`."""

    content: bytes
    status_code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Channel:
    """A channel in memory with the messages of shop and market. `poison`: SKUs whose requests get the response
    `status`.
    """

    poison: frozenset[str] = frozenset()
    status: int = 422
    most_bytes: int = 10**9
    prices: dict[str, str] = field(default_factory=dict)
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: int = 0
    goes_away_after: int = 10**9

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> HttpResponse:
        assert headers
        self.calls += 1
        if self.calls > self.goes_away_after:
            raise OutboundUnavailable(TEXT.write(text="The other system could not be reached, or broke off."))
        if len(url) > min(2048, self.most_bytes):
            return Answered(b"", 414)
        if len(content or b"") > self.most_bytes:
            return Answered(b"", 413)
        asked = msgspec.json.decode(content) if content else {}
        skus = {
            *parse_qs(urlsplit(url).query).get("sku", []),
            *(each["sku"] for each in asked.get("values", asked.get("items", []))),
            *(sku for sku, _ in asked.get("keys", [])),
        }
        if skus & self.poison:
            return Answered(b"no", self.status)
        return Answered(msgspec.json.encode(self._answer(method, asked, sorted(skus))))

    def _answer(self, method: str, asked: dict[str, Any], skus: list[str]) -> dict[str, Any]:
        if "values" in asked:
            for each in asked["values"]:
                self.shown[each["sku"]] = each
            return {"results": [{"status": "applied"}] * len(asked["values"])}
        if "keys" in asked:
            return {"values": [self.shown.get(sku) for sku, _ in asked["keys"]]}
        if method == "POST":
            for each in asked["items"]:
                self.shown[each["sku"]] = each | {"amount": each.get("quantity", 0)}
            return {"feed_id": "1", "rejected": []}
        return {"listings": [self._listing(sku) for sku in skus if sku in self.shown]}

    def _listing(self, sku: str) -> dict[str, Any]:
        price = {"value": msgspec.Raw(self.prices.get(sku, '"10.00"').encode()), "currency": "USD"}
        stock = self.shown[sku]["amount"]
        return {"sku": sku, "price": price, "price_revision": 1, "quantity": stock, "quantity_revision": 1}


def stock(sku: str, amount: int = 7, version: int = 1) -> ChannelWrite:
    return ChannelWrite(ElementKey(sku, STOCK), pieces(amount), version, f"{sku}:{version}")


@ADAPTERS
@pytest.mark.parametrize("status", [400, 409, 413, 422, 500])
async def test_a_refused_request_is_traced_to_one_value(adapter: ChannelAdapter, status: int) -> None:
    channel = Channel(frozenset({"B"}), status)
    results = await adapter.push(channel, CONFIG, [stock(sku) for sku in "ABCDE"])
    refused = WriteState.RETRY if status == 500 else WriteState.REFUSED
    assert [r.state for r in results] == [refused if sku == "B" else WriteState.ACCEPTED for sku in "ABCDE"]
    readings = await adapter.read(channel, CONFIG, [ElementKey(sku, STOCK) for sku in "ABCDE"])
    assert [r.answered for r in readings] == [sku != "B" for sku in "ABCDE"]
    assert [r.value for r in readings if r.answered] == [pieces(7)] * 4


@ADAPTERS
@pytest.mark.parametrize("status", [401, 404, 408, 429, 503])
async def test_successful_parts_are_not_sent_again_when_halving(adapter: ChannelAdapter, status: int) -> None:
    channel = Channel(frozenset({"B"}), status)
    results = await adapter.push(channel, CONFIG, [stock(sku) for sku in "ABCDE"])
    assert ({r.state for r in results}, channel.calls) == ({WriteState.RETRY}, 1)
    with pytest.raises(SystemUnavailable):
        await adapter.read(channel, CONFIG, [ElementKey(sku, STOCK) for sku in "ABCDE"])
    assert channel.calls == 2


@ADAPTERS
async def test_the_number_of_requests_is_bounded_and_each_attempt_gets_further(adapter: ChannelAdapter) -> None:
    skus = [f"S{index}" for index in range(250)]
    channel, left, attempts = Channel(frozenset(skus), 422), [stock(sku) for sku in skus], 0
    while left:
        before, attempts = channel.calls, attempts + 1
        results = await adapter.push(channel, CONFIG, left)
        assert channel.calls - before <= batches.MOST_REFUSED + 2
        assert {r.state for r in results} <= {WriteState.REFUSED, WriteState.RETRY}
        still = [w for w, r in zip(left, results, strict=True) if r.state is WriteState.RETRY]
        assert len(still) < len(left)
        left = still
    assert attempts < 30


@ADAPTERS
async def test_an_outage_does_not_multiply_the_requests(adapter: ChannelAdapter) -> None:
    skus = [f"S{index}" for index in range(250)]
    channel = Channel(frozenset(skus), 500)
    results = await adapter.push(channel, CONFIG, [stock(sku) for sku in skus])
    assert {r.state for r in results} == {WriteState.RETRY}
    assert channel.calls <= batches.MOST_FAILED + 1
    with pytest.raises(SystemUnavailable, match="500"):
        await adapter.read(channel, CONFIG, [ElementKey(sku, STOCK) for sku in skus])


@ADAPTERS
async def test_an_outage_between_two_parts_keeps_known_results(adapter: ChannelAdapter) -> None:
    channel = Channel(frozenset({"E"}), 422, goes_away_after=2)
    results = await adapter.push(channel, CONFIG, [stock(sku) for sku in "ABCDE"])
    assert [r.state for r in results] == [WriteState.ACCEPTED] * 2 + [WriteState.RETRY] * 3
    with pytest.raises(OutboundUnavailable):
        await adapter.push(channel, CONFIG, [stock("C")])


@ADAPTERS
async def test_the_newer_of_two_values_of_a_record_wins(adapter: ChannelAdapter) -> None:
    channel = Channel(frozenset({"Z"}), 500)
    await adapter.push(channel, CONFIG, [stock("A", 1, 1), stock("Z"), stock("B"), stock("A", 2, 2)])
    assert channel.shown["A"]["amount"] == 2


@ADAPTERS
@pytest.mark.parametrize("character", ["x", "ü", "\N{SNOWMAN}", "%", "\N{GRINNING FACE}"])
async def test_two_hundred_and_fifty_long_keys_are_sent_and_read(adapter: ChannelAdapter, character: str) -> None:
    skus = [f"{index:03}{character * 37}" for index in range(250)]
    channel = Channel(most_bytes=100_000)
    results = await adapter.push(channel, CONFIG, [stock(sku) for sku in skus])
    assert {r.state for r in results} == {WriteState.ACCEPTED}
    readings = await adapter.read(channel, CONFIG, [ElementKey(sku, STOCK) for sku in skus])
    assert [(r.record_key, r.value) for r in readings] == [(sku, pieces(7)) for sku in skus]


@ADAPTERS
async def test_batches_are_halved_for_a_channel_with_a_lower_limit(adapter: ChannelAdapter) -> None:
    skus = [f"SKU-{index:03}" for index in range(60)]
    channel = Channel(most_bytes=700)
    results = await adapter.push(channel, CONFIG, [stock(sku) for sku in skus])
    assert {r.state for r in results} == {WriteState.ACCEPTED}
    readings = await adapter.read(channel, CONFIG, [ElementKey(sku, STOCK) for sku in skus])
    assert [r.value for r in readings] == [pieces(7)] * 60


@pytest.mark.parametrize("price", ['"10.9951"', "10.9951", '"1,000.00"', '"NaN"', '"\uff11"', "null", "[1]", "1e99"])
async def test_readings_of_a_market_are_not_rounded_for_comparison(price: str) -> None:
    channel = Channel(prices={"A": price})
    market = SandboxMarket()
    await market.push(channel, CONFIG, [stock("A"), stock("B")])
    [odd, plain] = await market.read(channel, CONFIG, [ElementKey("A", PRICE), ElementKey("B", PRICE)])
    assert (odd.value, plain.value) == (None, minor(1000, "USD"))
    assert odd.unreadable


async def test_one_odd_value_of_a_shop_leaves_its_neighbours_readable() -> None:
    good = {"amount": 7, "currency": "USD", "version": 1}
    channel = Channel(shown={"A": good | {"amount": 10.5}, "B": good, "C": good | {"currency": "ZZZ"}})
    readings = await SandboxShop().read(channel, CONFIG, [ElementKey(sku, PRICE) for sku in "ABC"])
    assert [r.value for r in readings] == [None, minor(7, "USD"), None]
    assert ["10.5" in readings[0].unreadable, readings[1].unreadable, "ZZZ" in readings[2].unreadable] == [
        True,
        "",
        True,
    ]
    [alone] = await SandboxShop().read(channel, CONFIG, [ElementKey("A", PRICE)])
    assert "10.5" in alone.unreadable, "one odd value is no change of the form, also when it is read alone"
    channel.shown["A"] = {"sum": 7}
    with pytest.raises(PayloadInvalid):
        await SandboxShop().read(channel, CONFIG, [ElementKey("A", PRICE)])


@pytest.mark.parametrize("odd", ["12.5", "1e400", '"7.5"', "null", "[]"])
async def test_an_odd_quantity_of_a_market_leaves_the_rest_readable(odd: str) -> None:
    channel, market = Channel(), SandboxMarket()
    await market.push(channel, CONFIG, [stock("A"), stock("B")])
    channel.shown["A"]["amount"] = msgspec.Raw(odd.encode())
    shown, price, plain = await market.read(
        channel, CONFIG, [ElementKey("A", STOCK), ElementKey("A", PRICE), ElementKey("B", STOCK)]
    )
    assert (shown.value, price.value, plain.value) == (None, minor(1000, "USD"), pieces(7))
    assert odd in shown.unreadable


def test_a_value_too_large_for_a_batch_is_sent_alone() -> None:
    parts = list(batches.split_by_size([3, 50, 4, 4, 4, 4], lambda n: n, most_bytes=10, most_items=2))
    assert parts == [[3], [50], [4, 4], [4, 4]]
    assert list(batches.split_by_size([], len, most_bytes=1, most_items=1)) == []


async def test_a_missing_answer_is_no_reading() -> None:
    async def ask(keys: object) -> list[ChannelReading]:
        raise SystemUnavailable(TEXT.write(text="no"), whole=True)

    with pytest.raises(SystemUnavailable):
        await batches.read_in_parts([ElementKey("A", STOCK), ElementKey("B", STOCK)], ask, lambda _: 1, most_items=10)


async def test_a_response_that_is_too_large_is_requested_in_parts() -> None:
    asked: list[int] = []

    async def ask(keys: Sequence[ElementKey]) -> list[ChannelReading]:
        asked.append(len(keys))
        if len(keys) > 3:
            raise AnswerTooLarge(TEXT.write(text="The other system's answer was larger than allowed."))
        return [ChannelReading(key, pieces(1)) for key in keys]

    readings = await batches.read_in_parts(
        [ElementKey(sku, STOCK) for sku in "ABCDEFGH"], ask, lambda _: 1, most_items=10
    )
    assert [(r.record_key, r.answered) for r in readings] == [(sku, True) for sku in "ABCDEFGH"]
    assert max(asked[-4:]) <= 3


async def test_two_listings_with_one_sku_are_no_proof() -> None:
    class Twice(Channel):
        def _answer(self, method: str, asked: dict[str, Any], skus: list[str]) -> dict[str, Any]:
            made = super()._answer(method, asked, skus)
            return {"listings": [*made["listings"], self._listing("A")]} if "listings" in made else made

    channel, market = Twice(), SandboxMarket()
    await market.push(channel, CONFIG, [stock("A"), stock("B")])
    [shared, alone] = await market.read(channel, CONFIG, [ElementKey("A", STOCK), ElementKey("B", STOCK)])
    assert (shared.value, shared.unreadable, alone.value) == (None, "2 listings with this SKU", pieces(7))


async def test_one_record_whose_answer_cannot_be_read_leaves_its_neighbours_readable() -> None:
    async def ask(keys: Sequence[ElementKey]) -> list[ChannelReading]:
        if ElementKey("F", STOCK) in keys:
            raise PayloadInvalid(TEXT.write(text="Expected `int`, got `str`."))
        return [ChannelReading(key, pieces(1)) for key in keys]

    readings = await batches.read_in_parts(
        [ElementKey(sku, STOCK) for sku in "ABCDEFGH"], ask, lambda _: 1, most_items=10
    )
    assert [r.record_key for r in readings if r.value == pieces(1)] == list("ABCDEGH")
    assert "Expected" in readings[5].unreadable


async def test_a_response_of_another_form_is_requested_a_few_times_only() -> None:
    asked: list[int] = []

    async def ask(keys: Sequence[ElementKey]) -> list[ChannelReading]:
        asked.append(len(keys))
        raise PayloadInvalid(TEXT.write(text="Expected `int`, got `str`."))

    with pytest.raises(PayloadInvalid):
        await batches.read_in_parts([ElementKey(f"S{n}", STOCK) for n in range(250)], ask, lambda _: 1, most_items=250)
    assert len(asked) <= batches.MOST_FAILED + 1


@ADAPTERS
@pytest.mark.parametrize(
    "answer", [b"<html>", b"", b"[]", b"{}", b'{"results":[{"status":"queued"},{"status":"queued"}]}']
)
async def test_an_unreadable_success_is_left_to_the_read_back(adapter: ChannelAdapter, answer: bytes) -> None:
    """A value that was applied is not sent for ever, and its unreadable response is no proof."""

    class Babbling(Channel):
        async def request(self, method: str, url: str, **rest: Any) -> HttpResponse:
            made = await super().request(method, url, **rest)
            return Answered(answer) if b"results" in made.content or b"feed_id" in made.content else made

    channel = Babbling()
    results = await adapter.push(channel, CONFIG, [stock("A"), stock("B")])
    assert [r.state for r in results] == [WriteState.ACCEPTED] * 2
    assert [r.value for r in await adapter.read(channel, CONFIG, [ElementKey("A", STOCK), ElementKey("B", STOCK)])] == [
        pieces(7)
    ] * 2


@ADAPTERS
@pytest.mark.parametrize("status", [400, 413, 414, 422, 431])
@pytest.mark.parametrize("place", range(5))
async def test_the_place_of_a_refused_value_in_the_batch_does_not_matter(
    adapter: ChannelAdapter, status: int, place: int
) -> None:
    channel = Channel(frozenset("ABCDE"[place]), status)
    results = await adapter.push(channel, CONFIG, [stock(sku) for sku in "ABCDE"])
    wanted = [WriteState.REFUSED if n == place else WriteState.ACCEPTED for n in range(5)]
    assert [r.state for r in results] == wanted
    assert [r.key.record_key for r in results] == list("ABCDE")


@pytest.mark.parametrize("odd", [rb"\ud800", b"\xe9"])
async def test_a_reason_that_cannot_be_stored_fails_no_neighbour(odd: bytes) -> None:
    class Answers:
        status_code = 200
        headers: Mapping[str, str] = {}
        content = b'{"results": [{"status": "applied"}, {"status": "invalid", "detail": "too ' + odd + b'"}]}'

    class Caller:
        async def request(
            self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
        ) -> HttpResponse:
            assert (method, bool(url), bool(headers), bool(content)) == ("PUT", True, True, True)
            return Answers()

    taken, refused = await SandboxShop().push(Caller(), CONFIG, [stock("A"), stock("B")])
    assert (taken.state, refused.state) == (WriteState.ACCEPTED, WriteState.REFUSED)
    assert refused.detail == "The shop reports: “too \ufffd”"


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("currency", ["HRK", "BGN", "ZWL"])
async def test_a_price_in_no_currency_of_today_is_refused_alone(place: int, currency: str) -> None:
    """It was approved before ISO 4217 dropped the currency."""
    channel, market = Channel(), SandboxMarket()
    writes = [stock(sku) for sku in "ABC"]
    writes[place] = ChannelWrite(ElementKey("OLD", PRICE), minor(100, currency), 1, "old")
    results = await market.push(channel, CONFIG, writes)
    assert [r.state for r in results] == [WriteState.REFUSED if n == place else WriteState.ACCEPTED for n in range(3)]
    assert results[place].key.record_key == "OLD"
    assert [r.state for r in await market.push(channel, CONFIG, [writes[place]])] == [WriteState.REFUSED]
