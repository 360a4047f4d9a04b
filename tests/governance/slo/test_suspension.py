"""Clocks of a suspended client: the time that was left at the suspension is left at the resumption."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from canonical.elements import COST, PRICE, STOCK
from connectors.sandbox.faults import Faults
from foundation.clock import utc_now
from governance.slo.suspension import move_clocks
from tenants.accounts import resume_client, suspend_client
from tests.conftest import Urls
from tests.connectors.running import RunningSandbox
from tests.governance.test_main_job import approve_all, seed
from tests.support.as_owner import update_as_owner
from tests.support.client_env import ClientEnv, build_client_env

LONG = timedelta(days=9)
"""Longer than any clock of the tests."""
_TOLD = "SELECT code FROM governance_exception ORDER BY code"
_LEFT = """
    SELECT (SELECT min(slo_due_at) FROM propagation WHERE state = 'pending'),
           (SELECT min(expires_at) FROM approval WHERE state = 'pending'),
           (SELECT min(correction_due_at) FROM governance_exception WHERE state = 'open')
"""
_DATED = {
    "client": ("suspended_at",),
    "propagation": ("committed_at", "released_at", "slo_due_at"),
    "change": ("committed_at", "proposed_at"),
    "approval": ("created_at", "due_at", "expires_at"),
    "governance_exception": ("opened_at", "seen_at", "correction_due_at"),
    "timer": ("due_at",),
}


async def suspend(env: ClientEnv) -> datetime:
    now = utc_now()
    async with env.services.db.transaction(env.scope) as session:
        await suspend_client(session, reason="unpaid", now=now)
    return now


async def pass_by(env: ClientEnv, time: timedelta = LONG) -> None:
    """Move all recorded times into the past by this much."""
    for table, columns in _DATED.items():
        update_as_owner(env, table, ", ".join(f"{column} = {column} - %(by)s" for column in columns), by=time)


async def resume(env: ClientEnv) -> datetime:
    now = utc_now()
    async with env.services.db.transaction(env.scope) as session:
        await resume_client(session, env.services.auth, reason="paid", now=now)
    return now


async def left(env: ClientEnv) -> tuple[datetime, ...]:
    ((found),) = await env.rows(_LEFT)
    assert all(isinstance(due, datetime) for due in found)
    return found  # type: ignore[return-value]


async def leave_waiting(env: ClientEnv, sandbox: RunningSandbox) -> None:
    """A value being sent to an unavailable shop, one pending approval, and an exception."""
    async with env.services.db.transaction(env.scope) as session:  # enough time on any machine
        await session.execute(text("UPDATE element_contract SET propagation_slo_ms = 86400000"))
    await seed(env)
    sandbox.break_(env.urls["shop0"], Faults(outage=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_400))
    await env.deliver(env.change("SKU-002", COST, 5_000), env.change("SKU-002", PRICE, 9_000))
    await env.deliver(env.change("SKU-001", STOCK, -1))
    await env.work()
    assert await env.rows(_TOLD) == [("change.refused",)]


@pytest.fixture
async def waiting(env: ClientEnv, sandbox: RunningSandbox) -> ClientEnv:
    await leave_waiting(env, sandbox)
    return env


async def test_remaining_time_is_preserved_over_a_suspension(waiting: ClientEnv, sandbox: RunningSandbox) -> None:
    suspended_at = await suspend(waiting)
    before = await left(waiting)
    await pass_by(waiting)
    resumed_at = await resume(waiting)
    after = await left(waiting)
    assert [due - resumed_at for due in after] == [due - suspended_at for due in before]
    sandbox.mend(waiting.urls["shop0"])
    async with waiting.services.db.transaction(waiting.scope) as session:
        await session.execute(text("UPDATE job SET ready_at = clock_timestamp() - interval '1 ms' WHERE delayed"))
        await session.execute(text("UPDATE lane SET paused_until = NULL"))
    await waiting.work()
    await approve_all(waiting)
    await waiting.work(until="SELECT bool_and(state = 'verified') AND count(*) > 4 FROM propagation")
    assert await waiting.rows(_TOLD) == [("change.refused",)]
    assert await waiting.rows("SELECT escalated_at FROM governance_exception") == [(None,)]
    assert await waiting.rows("SELECT count(*) FROM approval WHERE state = 'expired'") == [(0,)]


async def test_changes_decided_after_a_suspension_start_their_clock_then(
    env: ClientEnv,
) -> None:
    await seed(env)
    change = env.change("SKU-001", STOCK, 7)
    change["committed_at"] = (utc_now() - LONG).isoformat()
    await env.deliver(change)
    await suspend(env)
    resumed_at = await resume(env)
    await env.work(settle=20.0)
    timed = "SELECT DISTINCT released_at, slo_due_at FROM propagation WHERE minor(value) = :amount"
    ((released_at, due),) = await env.rows(timed, amount=7)
    ((slo,),) = await env.rows("SELECT propagation_slo_ms FROM element_contract WHERE element = 'stock.on_hand'")
    assert isinstance(slo, int)
    assert isinstance(released_at, datetime)
    assert released_at >= resumed_at
    assert due == released_at + timedelta(milliseconds=slo)
    later = env.change("SKU-001", STOCK, 8)
    await env.deliver(later)
    await env.work(settle=20.0)
    ((released_at, due),) = await env.rows(timed, amount=8)
    assert isinstance(released_at, datetime)
    assert released_at > datetime.fromisoformat(str(later["committed_at"]))
    assert due == released_at + timedelta(milliseconds=slo)


async def test_deliveries_late_before_a_suspension_stay_late_and_are_reported(waiting: ClientEnv) -> None:
    await pass_by(waiting)
    before = await left(waiting)
    await suspend(waiting)
    await resume(waiting)
    assert await left(waiting) == before
    await waiting.work(until="SELECT count(*) = 3 FROM governance_exception")
    assert await waiting.rows(_TOLD) == [("approval.expired",), ("change.refused",), ("propagation.slo_breached",)]
    assert await waiting.rows("SELECT count(*) FROM audit_entry WHERE action = 'exception.escalated'") == [(1,)]


async def test_time_within_a_suspension_is_excluded(waiting: ClientEnv) -> None:
    """The MSP's staff may act in a suspended client."""
    now = utc_now()
    for table, column in (("propagation", "released_at"), ("approval", "created_at"),
                          ("governance_exception", "opened_at")):  # fmt: skip
        update_as_owner(waiting, table, f"{column} = %(at)s", at=now - timedelta(hours=1))
    before = await left(waiting)
    async with waiting.services.db.transaction(waiting.scope) as session:
        await session.execute(text("UPDATE propagation SET slo_due_at = :at WHERE state = 'pending'"), {"at": now})
        await move_clocks(session, now - timedelta(hours=4), now)
    hour = timedelta(hours=1)
    assert await left(waiting) == (now + hour, before[1] + hour, before[2] + hour)


async def test_another_client_of_the_same_provider_keeps_its_clocks(
    waiting: ClientEnv, sandbox: RunningSandbox, urls: Urls
) -> None:
    sibling = await build_client_env(
        waiting.services, waiting.relay_db, urls.intake, sandbox, msp_account=waiting.msp_account
    )
    await leave_waiting(sibling, sandbox)
    before = await left(sibling)
    await suspend(waiting)
    await pass_by(waiting)
    await resume(waiting)
    assert await left(sibling) == before
    assert await sibling.rows("SELECT DISTINCT clocks_from FROM element_contract") == [(None,)]
    await sibling.close()


async def test_resumed_without_a_suspension_or_twice_nothing_moves(waiting: ClientEnv) -> None:
    before = await left(waiting)
    await resume(waiting)
    assert await left(waiting) == before
    await suspend(waiting)
    await pass_by(waiting)
    await resume(waiting)
    once = await left(waiting)
    await resume(waiting)
    assert await left(waiting) == once
    assert once != before
