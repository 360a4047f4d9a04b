"""A connection that keeps failing has an exception; a short failure, a pause and a recovery have none."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from canonical.elements import STOCK
from connectors.connections import set_connection_state
from connectors.health import record_health
from connectors.sandbox.faults import Faults
from connectors.states import ConnectionState
from foundation.clock import utc_now
from foundation.i18n.messages import TEXT
from tests.connectors.running import RunningSandbox
from tests.support.as_owner import update_as_owner
from tests.support.client_env import ClientEnv

_OPEN = "SELECT code, subject FROM governance_exception WHERE state = 'open'"
_SETTLED = "SELECT code, state, closed_by FROM governance_exception"


async def pass_by(env: ClientEnv, **time: float) -> None:
    """Move all recorded times into the past, so that timers become due."""
    noted = ("created_at", "last_success_at", "last_failure_at")
    older = ", ".join(f"{column} = {column} - %(by)s" for column in noted)
    update_as_owner(env, "connection", older, by=timedelta(**time))
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text("UPDATE timer SET due_at = due_at - :by WHERE name LIKE 'governance.check_connection_health%'"),
            {"by": timedelta(**time)},
        )
    await env.work()


async def note(env: ClientEnv, channel: str, error: str | None = None) -> None:
    reason = None if error is None else TEXT.write(text=error)
    async with env.services.db.transaction(env.scope) as session:
        await record_health(session, env.channels[channel], now=utc_now(), error=reason, every=timedelta(seconds=5))
    await env.work()


@pytest.fixture
async def failing(env: ClientEnv) -> ClientEnv:
    """The shop has failed for a while, and the market works."""
    await note(env, "shop0")
    await note(env, "market1")
    await note(env, "shop0", "The shop answered 503.")
    await pass_by(env, minutes=6)
    return env


async def test_a_failing_channel_is_reported_after_a_delay_and_resolved_on_recovery(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    sandbox.break_(env.urls["shop0"], Faults(server_error=1.0))
    await env.deliver(env.change("SKU-001", STOCK, 7))
    await env.work()
    assert await env.rows(_OPEN) == []
    await pass_by(env, minutes=6)
    [found] = await env.exceptions("state = 'open'")
    assert (found.code, str(found.connection_id)) == ("connection.failing", str(env.channels["shop0"]))
    assert "The channel answered 500." in found.detail

    sandbox.mend(env.urls["shop0"])
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE lane SET paused_until = NULL"))
    await env.work()
    assert await env.rows(_SETTLED) == [("connection.failing", "resolved", "corrected")]


async def test_a_short_failure_opens_no_exception(env: ClientEnv) -> None:
    await note(env, "shop0", "It did not answer in time.")
    await pass_by(env, minutes=4)
    await note(env, "shop0")
    await pass_by(env, minutes=9)
    assert await env.rows(_SETTLED) == []
    assert await env.rows("SELECT due_at FROM timer WHERE name LIKE 'governance.check_connection_health%'") == [(None,)]


async def test_a_success_in_between_restarts_the_delay(failing: ClientEnv) -> None:
    """A late report of an earlier failure: a timer that was not stopped finds a failure that began a minute ago."""
    env = failing
    await note(env, "shop0")
    await pass_by(env, minutes=1)
    await note(env, "shop0", "The shop answered 503.")
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE timer SET due_at = clock_timestamp() WHERE due_at IS NOT NULL"))
    await env.work()
    assert await env.rows(_OPEN) == []
    await pass_by(env, minutes=5)
    assert [code for code, *_ in await env.rows(_OPEN)] == ["connection.failing"]


async def test_a_recovery_is_recorded_at_once_and_reported_once(failing: ClientEnv) -> None:
    for _ in range(3):
        await note(failing, "shop0")
    assert await failing.rows(_SETTLED) == [("connection.failing", "resolved", "corrected")]
    standing = "SELECT last_success_at > last_failure_at FROM connection WHERE id = :shop"
    assert await failing.rows(standing, shop=failing.channels["shop0"]) == [(True,)]


async def test_one_success_after_a_failure_is_recorded_however_recent_another_was(env: ClientEnv) -> None:
    for error in (None, "It did not answer in time.", None):
        await note(env, "shop0", error)
    standing = "SELECT last_success_at > last_failure_at FROM connection WHERE id = :shop"
    assert await env.rows(standing, shop=env.channels["shop0"]) == [(True,)]


async def test_pausing_closes_the_exception(failing: ClientEnv) -> None:
    async with failing.services.db.transaction(failing.scope) as session:
        await set_connection_state(session, failing.channels["shop0"], state=ConnectionState.PAUSED, now=utc_now())
    await failing.work()
    assert set(await failing.rows(_SETTLED)) == {
        ("connection.paused", "open", None),
        ("connection.failing", "resolved", "corrected"),
    }


async def test_another_client_is_not_affected(failing: ClientEnv, other_env: ClientEnv) -> None:
    assert await other_env.rows(_SETTLED) == []
    assert await other_env.rows("SELECT lane FROM job") == []
    assert len(await failing.rows(_OPEN)) == 1
