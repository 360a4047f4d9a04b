"""The adapter of Vendure: the common contract and its own behaviour, against a real shop."""

import pytest

from canonical.elements import PRICE, STOCK
from canonical.keys import ElementKey
from connectors.ports import ChannelAdapter, ConnectionConfig, SystemUnavailable, WriteState
from connectors.vendure.adapter import Vendure
from tests.connectors.channel_contract import ChannelContract, seen, write
from tests.connectors.running import PlainCaller
from tests.real.vendure import RunningVendure
from tests.support.values import minor


@pytest.mark.real
@pytest.mark.timeout(900)
class TestVendure(ChannelContract):
    versioned = False  # no compare-and-swap

    @pytest.fixture
    def adapter(self) -> ChannelAdapter:
        return Vendure()

    @pytest.fixture
    def config(self, real_shop: RunningVendure) -> ConnectionConfig:
        return real_shop.connection()

    async def test_a_shopper_sees_the_pushed_price(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: PlainCaller, real_shop: RunningVendure
    ) -> None:
        assert real_shop.shopper_price("SKU-010") not in {None, 1717}
        await adapter.push(caller, config, [write("SKU-010", PRICE, 1717, 1)])
        assert real_shop.shopper_price("SKU-010") == 1717

    async def test_a_full_batch_is_written_and_read(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: PlainCaller
    ) -> None:
        writes = [write(f"SKU-{i:03}", element, 3000 + i, 5) for i in range(20) for element in (PRICE, STOCK)]
        results = await adapter.push(caller, config, writes)
        assert {r.state for r in results} == {WriteState.ACCEPTED}
        assert [r.value for r in await seen(adapter, caller, config, writes)] == [w.value for w in writes]

    async def test_one_sign_in_serves_many_pushes(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: PlainCaller
    ) -> None:
        await adapter.push(caller, config, [write("SKU-011", PRICE, 1, 1)])
        caller.requests = 0
        await adapter.push(caller, config, [write("SKU-011", PRICE, 2, 2)])
        assert caller.requests == 2  # the variant's id, the update

    async def test_an_expired_token_is_renewed(self, config: ConnectionConfig, caller: PlainCaller) -> None:
        adapter = Vendure()
        await adapter.push(caller, config, [write("SKU-012", PRICE, 1, 1)])
        await log_out(adapter, caller, config)
        [result] = await adapter.push(caller, config, [write("SKU-012", PRICE, 1212, 2)])
        assert result.state is WriteState.ACCEPTED
        await log_out(adapter, caller, config)
        [reading] = await adapter.read(caller, config, [ElementKey("SKU-012", PRICE)])
        assert reading.value == minor(1212, "USD")

    async def test_a_negative_price_is_not_sent(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: PlainCaller
    ) -> None:
        [result] = await adapter.push(caller, config, [write("SKU-013", PRICE, -1, 1)])
        assert result.state is WriteState.REFUSED
        [reading] = await adapter.read(caller, config, [ElementKey("SKU-013", PRICE)])
        assert reading.value != minor(-1, "USD")

    async def test_a_value_the_shop_refuses_does_not_affect_the_others(
        self, adapter: ChannelAdapter, config: ConnectionConfig, caller: PlainCaller
    ) -> None:
        """GraphQL integers have 32 bits; the shop refuses the whole mutation for one larger number."""
        writes = [write(f"SKU-{i:03}", STOCK, 2**40 if i == 15 else 10 + i, 6) for i in range(14, 19)]
        results = await adapter.push(caller, config, writes)
        assert [r.state for r in results] == [
            WriteState.ACCEPTED if w.record_key != "SKU-015" else WriteState.REFUSED for w in writes
        ]

    async def test_a_wrong_stock_location_is_reported_and_retried(
        self, config: ConnectionConfig, caller: PlainCaller
    ) -> None:
        elsewhere = ConnectionConfig(
            "elsewhere", config.base_url, {**config.settings, "stock_location_id": "777"}, config.secrets
        )
        [result] = await Vendure().push(caller, elsewhere, [write("SKU-016", STOCK, 1, 1)])
        assert result.state is WriteState.RETRY
        assert result.detail

    async def test_a_wrong_password_needs_a_person(self, caller: PlainCaller, real_shop: RunningVendure) -> None:
        config = real_shop.connection(password="guess")
        [result] = await Vendure().push(caller, config, [write("SKU-000", PRICE, 1, 1)])
        assert result.state is WriteState.RETRY
        assert "credentials" in result.detail
        assert "guess" not in result.detail
        with pytest.raises(SystemUnavailable, match="credentials"):
            await Vendure().read(caller, config, [ElementKey("SKU-000", PRICE)])


async def log_out(adapter: Vendure, caller: PlainCaller, config: ConnectionConfig) -> None:
    session = adapter._sessions.open[config.connection_id]
    headers = {"authorization": f"Bearer {session.token}", "content-type": "application/json"}
    answer = await caller.request(
        "POST", f"{config.base_url}/admin-api", headers=headers, content=b'{"query":"mutation{logout{success}}"}'
    )
    assert b'"success":true' in answer.content
