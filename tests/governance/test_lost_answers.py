"""A channel that hangs on one value, or whose responses are lost, blocks no other value."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text

from canonical.elements import STOCK
from connectors.ports import ChannelReading, ChannelWrite, ConnectionConfig, HttpCaller, SystemUnavailable, WriteResult
from connectors.sandbox.market.adapter import SandboxMarket
from connectors.sandbox.shop.adapter import SandboxShop
from foundation.i18n.messages import TEXT
from foundation.outbound.errors import AnswerTooLarge, OutboundUnavailable
from governance.propagation import verify_job
from tests.support.client_env import ClientEnv


async def run_delayed_jobs(env: ClientEnv, times: int) -> None:
    """Run delayed jobs at once."""
    for _ in range(times):
        async with env.services.db.transaction(env.scope) as session:
            await session.execute(text("UPDATE job SET ready_at = clock_timestamp() - interval '1 ms' WHERE delayed"))
            await session.execute(text("UPDATE lane SET paused_until = NULL"))
        await env.work(settle=0.3)


async def states(env: ClientEnv, channel: str) -> dict[object, object]:
    query = "SELECT record_key, state FROM propagation WHERE connection_id = :c"
    return {row[0]: row[1] for row in await env.rows(query, c=env.channels[channel])}


@pytest.mark.parametrize("poison", [{"SKU-000"}, {"SKU-002"}, {"SKU-004"}, {"SKU-001", "SKU-004"}])
async def test_values_on_which_a_channel_hangs_delay_no_other(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch, poison: set[str]
) -> None:
    push = SandboxShop.push

    async def hang(
        self: SandboxShop, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]:
        if poison & {write.record_key for write in writes}:
            raise OutboundUnavailable(TEXT.write(text="The other system did not answer in time."))
        return await push(self, http, config, writes)

    monkeypatch.setattr(SandboxShop, "push", hang)
    await env.deliver(*(env.change(f"SKU-00{n}", STOCK, 40 + n) for n in range(5)))
    await env.work(settle=0.3)
    for _ in range(1_000):  # as the retry budget, which is refilled by time, permits
        found = await states(env, "shop0")
        if sum(state == "verified" for state in found.values()) == 5 - len(poison):
            break
        await run_delayed_jobs(env, 1)
    assert {key for key, state in found.items() if state != "verified"} == poison


@pytest.mark.parametrize("error", [OutboundUnavailable, AnswerTooLarge])
async def test_a_value_that_was_applied_is_proven_though_every_answer_is_lost(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch, error: type[OutboundUnavailable]
) -> None:
    push = SandboxShop.push

    async def lose(
        self: SandboxShop, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]:
        await push(self, http, config, writes)
        raise error(TEXT.write(text="The other system did not answer in time."))

    monkeypatch.setattr(SandboxShop, "push", lose)
    await env.deliver(*(env.change(f"SKU-00{n}", STOCK, 40 + n) for n in range(3)))
    await env.work(settle=0.3)
    await run_delayed_jobs(env, 3)
    assert await states(env, "shop0") == {f"SKU-00{n}": "verified" for n in range(3)}
    metered = """
        SELECT count(*) FROM usage_event u JOIN propagation p ON p.id = u.id OR p.change_id = u.subject_id
         WHERE p.connection_id = :c
    """
    assert await env.rows("SELECT count(*) FROM job WHERE lane LIKE 'push/%'") == [(0,)]
    assert await env.rows(metered, c=env.channels["shop0"]) != [(0,)]


async def test_a_reading_that_is_refused_for_good_ends_as_an_exception(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> list[ChannelReading]:
        raise SystemUnavailable(TEXT.write(text="The market answered 414."), whole=True, permanent=True)

    monkeypatch.setattr(SandboxMarket, "read", refuse)
    monkeypatch.setattr(verify_job, "GIVE_UP_AFTER", timedelta(0))
    await env.deliver(env.change("SKU-001", STOCK, 41))
    await env.work(settle=0.3)
    await run_delayed_jobs(env, 2)
    assert await states(env, "market1") == {"SKU-001": "failed"}
    [found] = await env.exceptions("state = 'open'")
    assert found.code == "propagation.failed"
    assert "414" in found.detail
