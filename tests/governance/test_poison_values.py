"""A value that always fails is dead-lettered alone; an adapter that raises fails its connection."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from canonical.elements import STOCK
from canonical.keys import ElementKey
from connectors.ports import ChannelReading, ChannelWrite, ConnectionConfig, HttpCaller, WriteResult, WriteState
from connectors.sandbox.faults import Faults
from connectors.sandbox.shop.adapter import SandboxShop
from foundation.clock import utc_now
from foundation.i18n.messages import TEXT
from foundation.jobs.types import RetryPolicy
from foundation.outbound.errors import OutboundUnavailable
from governance.changes.replay import replay_exception
from governance.propagation import push_job, verify_job
from tests.connectors.running import RunningSandbox
from tests.governance.test_lost_answers import run_delayed_jobs, states
from tests.support.client_env import ClientEnv

POISON = "SKU-002"
FEW = RetryPolicy(attempts=4, base=0.5, cap=60.0)
ROUNDS = 30
push, read = SandboxShop.push, SandboxShop.read
_OPEN = "SELECT code FROM governance_exception WHERE state = 'open'"


async def push_or_fail(
    self: SandboxShop, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
) -> list[WriteResult]:
    """A server that fails (500) on the whole request because of one value in it."""
    if any(write.record_key == POISON for write in writes):
        return [WriteResult(w.key, WriteState.RETRY, TEXT.write(text="The channel answered 500.")) for w in writes]
    return await push(self, http, config, writes)


async def push_or_hang(
    self: SandboxShop, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
) -> list[WriteResult]:
    if any(write.record_key == POISON for write in writes):
        raise OutboundUnavailable(TEXT.write(text="The other system did not answer in time."))
    return await push(self, http, config, writes)


async def push_or_raise(
    self: SandboxShop, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
) -> list[WriteResult]:
    if any(write.record_key == POISON for write in writes):
        raise AttributeError("secret-text")
    return await push(self, http, config, writes)


async def read_or_raise(
    self: SandboxShop, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
) -> list[ChannelReading]:
    if any(key.record_key == POISON for key in keys):
        raise AttributeError("secret-text")
    return await read(self, http, config, keys)


async def set_aside(env: ClientEnv) -> None:
    """Delay the poisoned value, so that no other is in a batch with it."""
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text("""
                UPDATE job SET delayed = true, ready_at = clock_timestamp() + interval '1 h'
                 WHERE ref = (SELECT id FROM change WHERE record_key = :poison)
            """),
            {"poison": POISON},
        )
        await session.execute(text("UPDATE lane SET paused_until = NULL"))


async def go_on(env: ClientEnv) -> None:
    """Deliver other values round by round until the poisoned one has failed."""
    await env.deliver(env.change(POISON, STOCK, 42), env.change("SKU-003", STOCK, 43))
    await env.work()
    for n in range(1, ROUNDS):
        await set_aside(env)
        await env.deliver(env.change("SKU-001", STOCK, 100 + n))
        await env.work(settle=0.3)
        await run_delayed_jobs(env, 1)
        if (await states(env, "shop0"))[POISON] == "failed":
            return
    raise AssertionError(f"{POISON} is still {(await states(env, 'shop0'))[POISON]}")


@pytest.mark.parametrize("fault", [push_or_fail, push_or_hang, push_or_raise])
async def test_a_value_that_always_fails_is_dead_lettered_and_can_be_replayed(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch, fault: object
) -> None:
    monkeypatch.setattr(push_job, "PUSH_RETRY", FEW)
    with monkeypatch.context() as patched:
        patched.setattr(SandboxShop, "push", fault)
        await go_on(env)
        await run_delayed_jobs(env, 3)
    found = await env.rows(
        "SELECT record_key, state FROM propagation WHERE connection_id = :c AND state <> 'superseded'",
        c=env.channels["shop0"],
    )
    assert {key for key, state in found if state != "verified"} == {POISON}
    [exception] = await env.exceptions("state = 'open'")
    assert exception.code == "propagation.failed"
    assert "secret-text" not in f"{exception.detail} {exception.params}"
    assert await env.rows("SELECT count(*) FROM dead_letter") == [(0,)]
    assert await env.rows("SELECT count(*) FROM job WHERE lane LIKE 'push/%'") == [(0,)]
    ((exception_id,),) = await env.rows("SELECT id FROM governance_exception WHERE state = 'open'")
    async with env.services.db.transaction(env.scope) as session:
        await replay_exception(session, UUID(str(exception_id)), now=utc_now())
    await run_delayed_jobs(env, 3)
    assert (await states(env, "shop0"))[POISON] == "verified"
    assert await env.rows(_OPEN) == []


async def test_an_outage_of_the_whole_channel_fails_no_value(
    env: ClientEnv, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_job, "PUSH_RETRY", FEW)
    await env.deliver(env.change("SKU-001", STOCK, 1))
    await env.work(settle=5.0)
    sandbox.break_(env.urls["shop0"], Faults(server_error=1.0))
    await env.deliver(env.change("SKU-001", STOCK, 2), env.change("SKU-002", STOCK, 2))
    await env.work()
    await run_delayed_jobs(env, 3 * FEW.attempts)
    query = "SELECT DISTINCT state FROM propagation WHERE connection_id = :c AND minor(value) = 2"
    assert await env.rows(query, c=env.channels["shop0"]) == [("pending",)]
    assert await env.rows("SELECT max(attempts) <= 1 FROM job WHERE lane LIKE 'push/%'") == [(True,)]


async def test_an_adapter_that_raises_over_a_reading_delays_no_other(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SandboxShop, "read", read_or_raise)
    monkeypatch.setattr(verify_job, "GIVE_UP_AFTER", timedelta(0))
    await go_on(env)
    assert await env.rows("SELECT count(*) FROM dead_letter") == [(0,)]
    assert {key for key, state in (await states(env, "shop0")).items() if state == "failed"} == {POISON}
    assert [code for (code,) in await env.rows(_OPEN)] == ["propagation.failed"]


@pytest.mark.parametrize(("method", "fault"), [("push", push_or_raise), ("read", read_or_raise)])
async def test_an_adapter_that_raises_is_recorded_as_a_failing_connection(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch, method: str, fault: object
) -> None:
    monkeypatch.setattr(SandboxShop, method, fault)
    await env.deliver(env.change(POISON, STOCK, 42))
    await env.work(settle=0.5)
    query = (
        "SELECT coalesce(last_failure_at > coalesce(last_success_at, '-infinity'), false), last_error FROM connection"
    )
    ((failing, error),) = await env.rows(f"{query} WHERE id = :c", c=env.channels["shop0"])
    assert failing
    assert "AttributeError" in str(error)
    assert "secret-text" not in str(error)
    async with env.services.db.transaction(env.scope) as session:
        assert await session.scalar(text("SELECT count(*) FROM dead_letter")) == 0
