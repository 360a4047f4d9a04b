"""The two sandbox channels: the common contract, and their behaviour under faults."""

import asyncio

import httpx2
import pytest

from canonical.elements import PRICE, STOCK
from canonical.keys import ElementKey
from connectors.ports import (
    ChannelAdapter,
    ChannelWrite,
    ConnectionConfig,
    PayloadInvalid,
    SystemUnavailable,
    WriteState,
)
from connectors.sandbox.faults import Faults
from connectors.sandbox.market.adapter import SandboxMarket
from connectors.sandbox.shop.adapter import SandboxShop
from tests.connectors.channel_contract import ChannelContract, all_applied, write
from tests.connectors.running import PlainCaller, RunningSandbox, connection
from tests.support.values import minor


class TestSandboxShop(ChannelContract):
    @pytest.fixture
    def adapter(self) -> ChannelAdapter:
        return SandboxShop()

    @pytest.fixture
    def config(self, sandbox: RunningSandbox) -> ConnectionConfig:
        return connection(sandbox.add("sandbox-shop"))

    async def test_an_older_version_is_answered_as_stale(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: PlainCaller
    ) -> None:
        await adapter.push(caller, config, [write("SKU-000", PRICE, 900, 9)])
        same_version = ChannelWrite(ElementKey("SKU-000", PRICE), minor(700, "USD"), 9, "another key")
        results = await adapter.push(caller, config, [write("SKU-000", PRICE, 800, 8), same_version])
        assert [r.state for r in results] == [WriteState.STALE, WriteState.STALE]

    async def test_a_repeated_write_has_one_effect(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: PlainCaller, sandbox: RunningSandbox
    ) -> None:
        writes = [write("SKU-000", PRICE, 900, 9), write("SKU-000", STOCK, 3, 10)]
        for _ in range(3):
            results = await adapter.push(caller, config, writes)
            assert {r.state for r in results} == {WriteState.ACCEPTED}
        counted = sandbox.effects(config.base_url)
        assert (counted["effects"], counted["received"], counted["repeated"]) == (2, 6, {})

    async def test_a_wrong_api_key_is_retried_once_it_is_corrected(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: PlainCaller
    ) -> None:
        wrong = ConnectionConfig(config.connection_id, config.base_url, {}, {"api_key": "wrong"})
        [result] = await adapter.push(caller, wrong, [write("SKU-000", PRICE, 900, 9)])
        assert result.state is WriteState.RETRY
        assert "credentials" in result.detail
        assert "wrong" not in result.detail
        with pytest.raises(SystemUnavailable, match="credentials"):
            await adapter.read(caller, wrong, [ElementKey("SKU-000", PRICE)])


class TestSandboxMarket(ChannelContract):
    @pytest.fixture
    def adapter(self) -> ChannelAdapter:
        return SandboxMarket()

    @pytest.fixture
    def config(self, sandbox: RunningSandbox) -> ConnectionConfig:
        return connection(sandbox.add("sandbox-market", delay_seconds=0.03))

    async def test_acceptance_is_not_visibility(
        self, adapter: ChannelAdapter, caller: PlainCaller, sandbox: RunningSandbox
    ) -> None:
        config = connection(sandbox.add("sandbox-market", delay_seconds=3600))
        [result] = await adapter.push(caller, config, [write("SKU-000", PRICE, 900, 9)])
        assert result.state is WriteState.ACCEPTED
        [reading] = await adapter.read(caller, config, [ElementKey("SKU-000", PRICE)])
        assert (reading.value, reading.version) == (minor(1000, "USD"), 0)

    async def test_a_new_delay_applies_to_waiting_values_too(
        self, adapter: ChannelAdapter, caller: PlainCaller, sandbox: RunningSandbox
    ) -> None:
        config = connection(sandbox.add("sandbox-market", delay_seconds=3600))
        await adapter.push(caller, config, [write("SKU-000", PRICE, 900, 9)])
        sandbox.delay(config.base_url, 0)
        [reading] = await adapter.read(caller, config, [ElementKey("SKU-000", PRICE)])
        assert reading.value == minor(900, "USD")

    async def test_a_repeated_feed_has_one_effect(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: PlainCaller, sandbox: RunningSandbox
    ) -> None:
        writes = [write("SKU-000", PRICE, 900, 9)]
        for _ in range(3):
            await adapter.push(caller, config, writes)
        await all_applied(adapter, caller, config)
        counted = sandbox.effects(config.base_url)
        assert (counted["effects"], counted["received"]) == (1 + 1, 3 + 1)  # and the one that was awaited

    async def test_amounts_of_currencies_without_minor_units_are_exact(
        self, adapter: ChannelAdapter, caller: PlainCaller, sandbox: RunningSandbox
    ) -> None:
        config = connection(sandbox.add("sandbox-market", currency="JPY"))
        yen = ChannelWrite(ElementKey("SKU-000", PRICE), minor(1999, "JPY"), 1, "yen")
        await adapter.push(caller, config, [yen])
        [reading] = await adapter.read(caller, config, [ElementKey("SKU-000", PRICE)])
        assert reading.value == minor(1999, "JPY")


CHANNELS = [("sandbox-shop", SandboxShop), ("sandbox-market", SandboxMarket)]


@pytest.mark.parametrize(("kind", "make"), CHANNELS, ids=["shop", "market"])
class TestFaults:
    async def test_too_many_requests_is_retried_after_the_requested_time(
        self, kind: str, make: type[ChannelAdapter], sandbox: RunningSandbox, caller: PlainCaller
    ) -> None:
        config, adapter = connection(sandbox.add(kind)), make()
        sandbox.break_(config.base_url, Faults(too_many_requests=1, retry_after="7"))
        [result] = await adapter.push(caller, config, [write("SKU-000", PRICE, 900, 9)])
        assert (result.state, result.retry_after) == (WriteState.RETRY, 7.0)
        with pytest.raises(SystemUnavailable) as raised:
            await adapter.read(caller, config, [ElementKey("SKU-000", PRICE)])
        assert raised.value.retry_after == 7.0
        sandbox.break_(config.base_url, Faults(too_many_requests=1))
        [result] = await adapter.push(caller, config, [write("SKU-000", PRICE, 900, 9)])
        assert (result.state, result.retry_after) == (WriteState.RETRY, None)

    async def test_a_server_error_is_retried_and_passes(
        self, kind: str, make: type[ChannelAdapter], sandbox: RunningSandbox, caller: PlainCaller
    ) -> None:
        config, adapter = connection(sandbox.add(kind)), make()
        sandbox.break_(config.base_url, Faults(server_error=1, remaining=2))
        writes = [write("SKU-000", PRICE, 900, 9)]
        states = [(await adapter.push(caller, config, writes))[0].state for _ in range(3)]
        assert states == [WriteState.RETRY, WriteState.RETRY, WriteState.ACCEPTED]

    async def test_a_value_accepted_and_discarded_is_only_found_by_reading(
        self, kind: str, make: type[ChannelAdapter], sandbox: RunningSandbox, caller: PlainCaller
    ) -> None:
        config, adapter = connection(sandbox.add(kind)), make()
        sandbox.break_(config.base_url, Faults(discard_skus=frozenset({"SKU-000"})))
        writes = [write("SKU-000", PRICE, 900, 9), write("SKU-001", PRICE, 901, 9)]
        results = await adapter.push(caller, config, writes)
        assert {r.state for r in results} == {WriteState.ACCEPTED}
        readings = await adapter.read(caller, config, [ElementKey("SKU-000", PRICE), ElementKey("SKU-001", PRICE)])
        assert [r.value for r in readings] == [minor(1000, "USD"), minor(901, "USD")]
        assert sandbox.effects(config.base_url)["discarded"] == 1
        sandbox.mend(config.base_url)
        await adapter.push(caller, config, writes)
        [reading] = await adapter.read(caller, config, [ElementKey("SKU-000", PRICE)])
        assert reading.value == minor(900, "USD")

    async def test_a_lost_answer_leaves_the_effect_and_repeating_is_harmless(
        self, kind: str, make: type[ChannelAdapter], sandbox: RunningSandbox, caller: PlainCaller
    ) -> None:
        config, adapter = connection(sandbox.add(kind)), make()
        sandbox.break_(config.base_url, Faults(lost_answer=1, hang_seconds=0.01, remaining=1))
        writes = [write("SKU-000", PRICE, 900, 9)]
        with pytest.raises(httpx2.TransportError):
            await adapter.push(caller, config, writes)
        await adapter.push(caller, config, writes)
        counted = sandbox.effects(config.base_url)
        assert (counted["effects"], counted["received"]) == (1, 2)

    async def test_a_held_request_continues_when_the_system_recovers(
        self, kind: str, make: type[ChannelAdapter], sandbox: RunningSandbox, caller: PlainCaller
    ) -> None:
        config, adapter = connection(sandbox.add(kind)), make()
        sandbox.break_(config.base_url, Faults(held=1, remaining=1))
        pushing = asyncio.create_task(adapter.push(caller, config, [write("SKU-000", PRICE, 900, 9)]))
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(sandbox.is_well, config.base_url):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)
        assert not pushing.done()
        assert sandbox.effects(config.base_url)["received"] == 0
        sandbox.mend(config.base_url)
        [result] = await pushing
        assert result.state is WriteState.ACCEPTED
        assert sandbox.effects(config.base_url)["received"] == 1

    async def test_an_outage_resets_the_connection(
        self, kind: str, make: type[ChannelAdapter], sandbox: RunningSandbox, caller: PlainCaller
    ) -> None:
        config, adapter = connection(sandbox.add(kind)), make()
        sandbox.break_(config.base_url, Faults(outage=1))
        with pytest.raises(httpx2.TransportError):
            await adapter.push(caller, config, [write("SKU-000", PRICE, 900, 9)])
        assert sandbox.effects(config.base_url)["received"] == 0

    async def test_a_dripping_answer_runs_into_the_time_limit(
        self, kind: str, make: type[ChannelAdapter], sandbox: RunningSandbox
    ) -> None:
        config, adapter = connection(sandbox.add(kind)), make()
        sandbox.break_(config.base_url, Faults(drip_seconds=5))
        hasty = PlainCaller(timeout=0.2)
        with pytest.raises(httpx2.TimeoutException):
            await adapter.read(hasty, config, [ElementKey("SKU-000", PRICE)])
        await hasty.close()

    async def test_a_renamed_field_is_named_in_the_refusal(
        self, kind: str, make: type[ChannelAdapter], sandbox: RunningSandbox, caller: PlainCaller
    ) -> None:
        config, adapter = connection(sandbox.add(kind)), make()
        sandbox.break_(config.base_url, Faults(renamed_fields={"currency": "iso"}))
        with pytest.raises(PayloadInvalid, match="currency"):
            await adapter.read(caller, config, [ElementKey("SKU-000", PRICE)])


@pytest.mark.parametrize(("kind", "make"), CHANNELS, ids=["shop", "market"])
async def test_the_storefront_shows_current_values(
    kind: str, make: type[ChannelAdapter], sandbox: RunningSandbox, caller: PlainCaller
) -> None:
    config = connection(sandbox.add(kind, skus=2))
    await make().push(caller, config, [write("SKU-001", PRICE, 123456, 1)])
    page = (await caller.request("GET", f"{config.base_url}/")).content.decode()
    assert '<tr data-sku="SKU-001">' in page
    assert '<td data-field="price">1,234.56 USD</td>' in page
