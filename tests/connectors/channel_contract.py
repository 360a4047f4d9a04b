"""Contract of every channel adapter, run against the sandbox channels and the real shop."""

import asyncio
import time
from collections.abc import Sequence
from typing import cast

from canonical.elements import COST, PRICE, STOCK
from canonical.keys import ElementKey
from canonical.values import QuantityValue
from connectors.ports import (
    CatalogueSource,
    ChannelAdapter,
    ChannelReading,
    ChannelWrite,
    ConnectionConfig,
    HttpCaller,
    WriteState,
)
from tests.support.values import minor, of, pieces

UNKNOWN = "NO-SUCH-SKU"


class ChannelContract:
    """Subclasses provide the fixtures `adapter`, `config` and `caller`; SKU-000 to SKU-019 exist on the channel, in
    USD.

    `versioned`: the channel returns the version of the value it shows.
    """

    versioned = True

    async def test_a_pushed_price_and_stock_are_read_back(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: HttpCaller
    ) -> None:
        writes = [write("SKU-001", PRICE, 4242, 1), write("SKU-001", STOCK, 55, 1)]
        results = await adapter.push(caller, config, writes)
        assert [result.state for result in results] == [WriteState.ACCEPTED, WriteState.ACCEPTED]
        readings = await seen(adapter, caller, config, writes)
        assert [reading.value for reading in readings] == [minor(4242, "USD"), pieces(55)]
        assert [reading.version for reading in readings] == ([1, 1] if self.versioned else [None, None])

    async def test_results_and_readings_are_in_the_order_of_the_request(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: HttpCaller
    ) -> None:
        skus = [f"SKU-{index:03}" for index in (7, 3, 19, 0, 12)]
        writes = [write(sku, element, 1000 + place, 2) for place, sku in enumerate(skus) for element in (STOCK, PRICE)]
        results = await adapter.push(caller, config, writes)
        assert [(r.key, r.state) for r in results] == [(w.key, WriteState.ACCEPTED) for w in writes]
        readings = await seen(adapter, caller, config, writes)
        assert [(r.key, r.value) for r in readings] == [(w.key, w.value) for w in writes]

    async def test_an_unknown_sku_is_refused_and_its_neighbours_are_written(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: HttpCaller
    ) -> None:
        writes = [write("SKU-002", PRICE, 2345, 1), write(UNKNOWN, PRICE, 100, 1), write("SKU-004", PRICE, 3456, 1)]
        results = await adapter.push(caller, config, writes)
        assert [r.state for r in results] == [WriteState.ACCEPTED, WriteState.REFUSED, WriteState.ACCEPTED]
        assert results[1].detail
        readings = await seen(adapter, caller, config, [writes[0], writes[2]])
        assert [r.value for r in readings] == [minor(2345, "USD"), minor(3456, "USD")]
        [missing] = await adapter.read(caller, config, [ElementKey(UNKNOWN, PRICE)])
        assert missing == ChannelReading(ElementKey(UNKNOWN, PRICE), None)

    async def test_an_element_the_channel_does_not_show_is_refused(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: HttpCaller
    ) -> None:
        writes = [write("SKU-005", COST, 10, 1), write("SKU-005", PRICE, 555, 1)]
        results = await adapter.push(caller, config, writes)
        assert [r.state for r in results] == [WriteState.REFUSED, WriteState.ACCEPTED]
        only_refused = await adapter.push(caller, config, [writes[0]])
        assert [r.state for r in only_refused] == [WriteState.REFUSED]

    async def test_another_currency_is_refused(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: HttpCaller
    ) -> None:
        foreign = ChannelWrite(ElementKey("SKU-006", PRICE), minor(100, "EUR"), 1, "eur")
        before = await adapter.read(caller, config, [ElementKey("SKU-006", PRICE)])
        [result] = await adapter.push(caller, config, [foreign])
        assert result.state is WriteState.REFUSED
        assert await adapter.read(caller, config, [ElementKey("SKU-006", PRICE)]) == before

    async def test_an_older_version_never_becomes_visible_again(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: HttpCaller
    ) -> None:
        if not self.versioned:
            # Without compare-and-swap the newest of one batch still wins; across batches the caller keeps the order.
            both = [write("SKU-008", PRICE, 900, 9), write("SKU-008", PRICE, 800, 8)]
            results = await adapter.push(caller, config, both)
            assert [r.state for r in results] == [WriteState.ACCEPTED, WriteState.STALE]
            [reading] = await seen(adapter, caller, config, both[:1])
            assert reading.value == minor(900, "USD")
            return
        newer, older = write("SKU-008", PRICE, 900, 9), write("SKU-008", PRICE, 800, 8)
        for each in (newer, older):
            await adapter.push(caller, config, [each])
            await all_applied(adapter, caller, config)
        [reading] = await adapter.read(caller, config, [ElementKey("SKU-008", PRICE)])
        assert (reading.value, reading.version) == (minor(900, "USD"), 9)

    async def test_it_lists_its_values_page_by_page(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: HttpCaller
    ) -> None:
        lister = cast("CatalogueSource", adapter)
        keys: list[str] = []
        page = await lister.list_keys(caller, config, "")
        keys += page.keys
        while page.more:
            page = await lister.list_keys(caller, config, page.cursor)
            keys += page.keys
        assert {f"SKU-{index:03}" for index in range(20)} <= set(keys)
        assert len(keys) == len(set(keys))
        assert UNKNOWN not in keys

    async def test_an_empty_request_has_an_empty_result(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: HttpCaller
    ) -> None:
        assert await adapter.push(caller, config, []) == []
        assert await adapter.read(caller, config, []) == []


def write(sku: str, element: str, amount: int, version: int) -> ChannelWrite:
    return ChannelWrite(ElementKey(sku, element), of(element, amount), version, f"{sku}:{element}:{version}")


async def seen(
    adapter: ChannelAdapter, caller: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
) -> list[ChannelReading]:
    """Readings of the written values as soon as the channel shows them, or the last readings after a minute."""
    keys = [w.key for w in writes]
    deadline = time.monotonic() + 60
    while True:
        readings = await adapter.read(caller, config, keys)
        if [r.value for r in readings] == [w.value for w in writes] or time.monotonic() > deadline:
            return readings
        await asyncio.sleep(0.02)


async def all_applied(adapter: ChannelAdapter, caller: HttpCaller, config: ConnectionConfig) -> None:
    """Return when the channel has applied its earlier writes: a later write has become visible."""
    [before] = await adapter.read(caller, config, [ElementKey("SKU-018", STOCK)])
    assert isinstance(before.value, QuantityValue)
    last = write("SKU-018", STOCK, int(before.value.amount) + 1, (before.version or 0) + 1)
    await adapter.push(caller, config, [last])
    [after] = await seen(adapter, caller, config, [last])
    assert after.value == last.value
