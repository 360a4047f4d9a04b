"""Lost timers of recurring jobs are restored."""

import base64
import secrets
from datetime import timedelta

import pytest
from sqlalchemy import text

from billing.jobs import RATE, RERATE
from canonical.elements import PRICE, STOCK
from connectors.connections import set_connection_state
from connectors.health import record_health
from connectors.poll_job import POLL, poll_lane, schedule_poll
from connectors.states import ConnectionState
from controlplane.provisioning import NewConnection, connect, publish_contracts
from foundation.clock import utc_now
from foundation.i18n.messages import TEXT
from foundation.jobs.dead_letters import replay_dead_letter
from governance import job_types
from governance.connections.health_job import FAILING_AFTER
from governance.exception_types import ExceptionType
from tests.connectors.running import RunningSandbox
from tests.governance.baseline.clients import read_and_accept
from tests.governance.test_main_job import member_scope, seed
from tests.support.as_owner import delete_as_owner, update_as_owner
from tests.support.client_env import ClientEnv

_NEXT = "repair_at = now() - interval '1 year'"
"""Due before other tests' clients, because the relay takes a few per pass."""
_DUE = "SELECT name FROM timer WHERE due_at IS NOT NULL ORDER BY name"
_POLLED = "SELECT count(*) FROM poll_cursor WHERE polled_at >= :since"


async def run(env: ClientEnv, sql: str, **binds: object) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text(sql), binds)


async def set_state(env: ClientEnv, connection: object, state: str) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await set_connection_state(session, connection, state=ConnectionState(state), now=utc_now())  # type: ignore[arg-type]


async def poll_at_once(env: ClientEnv) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await schedule_poll(session, env.erp, at=utc_now())


async def repair(env: ClientEnv) -> None:
    """Run the repair, as the relay does every few minutes."""
    update_as_owner(env, "lane_share", _NEXT)
    async with env.relay_db.transaction(None) as session:
        await session.execute(text("SELECT repairs_fire()"))
    await env.work()


async def timers(env: ClientEnv) -> set[str]:
    return {str(name) for (name,) in await env.rows(_DUE)}


async def test_a_poll_due_during_a_pause_runs_at_the_resumption(env: ClientEnv) -> None:
    await set_state(env, env.erp, "paused")
    await poll_at_once(env)
    await env.work()
    assert await env.rows("SELECT count(*) FROM poll_cursor") == [(0,)]
    await set_state(env, env.erp, "active")  # within the time for which connections are cached
    await env.work()
    assert await env.rows("SELECT count(*) FROM poll_cursor") == [(1,)]
    assert poll_lane(env.erp) in await timers(env)


async def test_a_resumed_source_does_not_wait_for_the_retry_of_a_poll_that_failed(env: ClientEnv) -> None:
    lane = {"t": env.scope.tenant_id, "m": env.scope.msp_id, "lane": poll_lane(env.erp)}
    await run(
        env,
        "INSERT INTO job (tenant_id, msp_id, lane, kind, key, delayed, ready_at)"
        " VALUES (:t, :m, :lane, :kind, :lane, true, now() + interval '1 hour')",
        kind=POLL.name, **lane,
    )  # fmt: skip
    await run(env, "INSERT INTO lane (tenant_id, msp_id, name) VALUES (:t, :m, :lane)", **lane)
    await run(env, "INSERT INTO timer (tenant_id, msp_id, name, lane, kind) VALUES (:t, :m, :lane, :lane, :kind)",
              kind=POLL.name, **lane)  # fmt: skip
    for state in ("paused", "active"):
        await set_state(env, env.erp, state)
    await env.work()
    assert await env.rows("SELECT count(*) FROM poll_cursor") == [(1,)]


async def test_a_connection_paused_a_moment_ago_is_not_polled(env: ClientEnv) -> None:
    await poll_at_once(env)
    await env.work()
    since = utc_now()
    await set_state(env, env.erp, "paused")
    await run(env, "UPDATE timer SET due_at = now() WHERE kind = :kind", kind=POLL.name)
    await env.work()
    assert await env.rows(_POLLED, since=since) == [(0,)]


async def test_every_duty_whose_timer_is_lost_gets_one_again(env: ClientEnv, other_env: ClientEnv) -> None:
    await seed(env)
    await poll_at_once(env)
    await env.work()
    await env.deliver(env.change("SKU-001", PRICE, 90_000))  # needs approval
    await env.deliver(env.change("SKU-001", "price.map", 1), message_id="unreadable")
    await env.work()
    # A running clock, because the value is not visible.
    await run(env, "UPDATE propagation SET state = 'refused', verified_at = NULL, slo_due_at = now() + interval '1 h'"
                     " WHERE change_id = (SELECT id FROM change WHERE state = 'released' LIMIT 1)")  # fmt: skip
    async with env.services.db.transaction(env.scope) as session:
        away = TEXT.write(text="away")
        await record_health(session, env.channels["shop0"], now=utc_now() + timedelta(seconds=1), error=away)
    await env.work()
    scans = {f"{job_types.SCAN_DRIFT.name}/{channel}" for channel in env.channels.values()}
    health = f"{job_types.CHECK_HEALTH.name}/{env.channels['shop0']}"
    expected = {
        poll_lane(env.erp),
        job_types.BREACH_SLOS.name,
        job_types.ESCALATE_EXCEPTIONS.name,
        job_types.EXPIRE_APPROVALS.name,
        health,
        *scans,
    }
    kept = [POLL.name, RATE.name, RERATE.name]
    delete_as_owner(env, "timer", "kind <> ALL (%(kept)s)", kept=kept)
    await run(env, "UPDATE timer SET due_at = NULL")
    theirs = await timers(other_env)
    await repair(env)
    assert await timers(env) >= expected | {RATE.name, RERATE.name}
    assert await timers(other_env) == theirs


async def test_existing_timers_and_waiting_jobs_are_not_duplicated(env: ClientEnv) -> None:
    await seed(env)
    later = utc_now() + timedelta(minutes=2)
    async with env.services.db.transaction(env.scope) as session:
        await schedule_poll(session, env.erp, at=later)
    before = await env.rows("SELECT name, due_at FROM timer ORDER BY name")
    await repair(env)
    assert await env.rows("SELECT name, due_at FROM timer ORDER BY name") == before
    await run(env, "UPDATE timer SET due_at = NULL WHERE kind = :kind", kind=POLL.name)
    await run(
        env,
        "INSERT INTO job (tenant_id, msp_id, lane, kind, key, delayed, ready_at)"
        " SELECT tenant_id, msp_id, lane, kind, name, true, now() + interval '1 h' FROM timer WHERE kind = :kind",
        kind=POLL.name,
    )
    await repair(env)
    assert await env.rows("SELECT due_at FROM timer WHERE kind = :kind", kind=POLL.name) == [(None,)]


async def test_a_paused_connection_is_not_repaired_into_being_polled(env: ClientEnv) -> None:
    await poll_at_once(env)
    await env.work()
    await set_state(env, env.erp, "paused")
    await run(env, "UPDATE timer SET due_at = NULL WHERE kind = :kind", kind=POLL.name)
    await repair(env)
    assert poll_lane(env.erp) not in await timers(env)


async def test_a_poll_that_became_a_dead_letter_is_polled_again_and_its_replay_harms_nothing(
    env: ClientEnv,
) -> None:
    await poll_at_once(env)
    await run(env, "UPDATE timer SET due_at = NULL WHERE kind = :kind", kind=POLL.name)
    await run(
        env,
        "INSERT INTO dead_letter (tenant_id, msp_id, id, lane, kind, key, attempts, error, enqueued_at, died_at)"
        " SELECT tenant_id, msp_id, gen_random_uuid(), lane, kind, name, 1, jsonb_build_object('code', 'legacy'),"
        " now(), now() FROM timer"
        " WHERE kind = :kind",
        kind=POLL.name,
    )
    await repair(env)
    assert await env.rows("SELECT count(*) FROM poll_cursor") == [(1,)]
    ((letter,),) = await env.rows("SELECT id FROM dead_letter")
    async with env.services.db.transaction(member_scope(env)) as session:
        await replay_dead_letter(session, letter, now=utc_now())  # type: ignore[arg-type]
    await env.work()
    assert await env.rows("SELECT count(*) FROM timer WHERE kind = :kind AND due_at > now()", kind=POLL.name) == [(1,)]


async def test_the_timers_of_a_suspended_client_are_not_checked_and_its_jobs_do_not_pile_up(env: ClientEnv) -> None:
    tenant = {"t": env.scope.tenant_id}
    await run(env, "UPDATE lane_share SET resting = true WHERE tenant_id = :t", **tenant)
    for _ in range(2):
        await repair(env)
    assert await env.rows("SELECT count(*) FROM job WHERE lane = 'repair'") == [(0,)]
    await run(env, "UPDATE lane_share SET resting = false WHERE tenant_id = :t", **tenant)
    update_as_owner(env, "lane_share", _NEXT)
    async with env.relay_db.transaction(None) as session:
        await session.execute(text("SELECT repairs_fire()"))
        await session.execute(text("SELECT repairs_fire()"))
    assert await env.rows("SELECT count(*) FROM job WHERE lane = 'repair'") == [(1,)]


async def test_a_connection_that_still_fails_after_resumption_is_reported(env: ClientEnv) -> None:
    shop, name = env.channels["shop0"], f"{job_types.CHECK_HEALTH.name}/{env.channels['shop0']}"
    async with env.services.db.transaction(env.scope) as session:
        await record_health(session, shop, now=utc_now(), error=TEXT.write(text="The shop answered 503."))
    await set_state(env, shop, "paused")
    await env.work()
    assert name not in await timers(env)
    await set_state(env, shop, "active")
    await env.work()
    assert name in await timers(env)
    past = FAILING_AFTER + timedelta(minutes=1)
    update_as_owner(env, "connection", "created_at = created_at - %(past)s", past=past)
    await run(env, "UPDATE timer SET due_at = now() WHERE name = :name", name=name)
    await env.work()
    assert await env.rows("SELECT code, subject FROM governance_exception WHERE state = 'open'") == [
        (ExceptionType.CONNECTION_FAILING, str(shop))
    ]


async def test_the_next_source_of_an_element_is_polled_as_the_one_before_was(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    await poll_at_once(env)
    await env.work()
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    new = NewConnection("sandbox-erp", "New ERP", sandbox.add("sandbox-erp"), secrets={"webhook_secret": secret})
    successor = await connect(env.services, env.scope, new)
    assert poll_lane(successor) not in await timers(env)
    await publish_contracts(env.services, env.scope, successor)
    await env.work()
    polled = "SELECT count(*) FROM poll_cursor WHERE connection_id = :c"
    assert await env.rows(polled, c=successor) == [(1,)]


async def test_republishing_a_contract_does_not_stop_polls(env: ClientEnv) -> None:
    await poll_at_once(env)
    await env.work()
    before = await timers(env)
    await publish_contracts(env.services, env.scope, env.erp, propagation_slo=timedelta(seconds=45))
    assert await timers(env) >= before


async def test_accepting_a_baseline_arms_a_drift_scan_of_each_channel(env: ClientEnv, other_env: ClientEnv) -> None:
    await read_and_accept(env)
    scans = {f"{job_types.SCAN_DRIFT.name}/{channel}" for channel in env.channels.values()}
    assert {name for name in await timers(env) if name.startswith(job_types.SCAN_DRIFT.name)} == scans
    assert not {name for name in await timers(other_env) if name.startswith(job_types.SCAN_DRIFT.name)}


@pytest.mark.parametrize("channel", ["shop0", "market1"])
async def test_a_channel_that_is_resumed_is_scanned_again(env: ClientEnv, channel: str) -> None:
    await set_state(env, env.channels[channel], "paused")
    await env.work()
    await set_state(env, env.channels[channel], "active")
    await env.work()
    assert f"{job_types.SCAN_DRIFT.name}/{env.channels[channel]}" in await timers(env)


async def test_the_next_value_is_scanned_for_drift_as_well_as_the_first(env: ClientEnv) -> None:
    await env.deliver(env.change("SKU-002", STOCK, 6))
    await env.work(settle=20.0)
    assert {name for name in await timers(env) if name.startswith(job_types.SCAN_DRIFT.name)} == {
        f"{job_types.SCAN_DRIFT.name}/{channel}" for channel in env.channels.values()
    }


async def test_a_timer_far_in_the_future_is_reset(env: ClientEnv) -> None:
    await poll_at_once(env)
    await env.work()
    await run(env, "UPDATE timer SET due_at = now() + interval '1 year'")
    await repair(env)
    ahead = "SELECT name FROM timer WHERE due_at > now() + interval '3 days'"
    idle = {
        (job_types.BREACH_SLOS.name,),
        (job_types.ESCALATE_EXCEPTIONS.name,),
        (job_types.EXPIRE_APPROVALS.name,),
    }  # set earlier by the next one that is due
    assert set(await env.rows(ahead)) <= idle


@pytest.mark.parametrize("put_ahead", ["job", "rest", "lease"])
async def test_jobs_delayed_far_into_the_future_are_reset(env: ClientEnv, other_env: ClientEnv, put_ahead: str) -> None:
    """The check itself was delayed as well."""
    for each in (env, other_env):
        await run(
            each,
            "INSERT INTO job (tenant_id, msp_id, lane, kind, key, delayed, ready_at)"
            " VALUES (:t, :m, :lane, :kind, 'poll', :delayed, now() + :ahead)",
            t=each.scope.tenant_id, m=each.scope.msp_id, lane=poll_lane(each.erp), kind=POLL.name,
            delayed=put_ahead == "job", ahead=timedelta(days=365 if put_ahead == "job" else 0),
        )  # fmt: skip
        column = {"job": "fence", "rest": "paused_until", "lease": "lease_until"}[put_ahead]
        await run(
            each,
            f"INSERT INTO lane (tenant_id, msp_id, name, holder, {column})"
            f" VALUES (:t, :m, :lane, 'dead', {'1' if put_ahead == 'job' else 'now() + interval $$1 year$$'})",
            t=each.scope.tenant_id, m=each.scope.msp_id, lane=poll_lane(each.erp),
        )  # fmt: skip
    theirs = "SELECT ready_at FROM job WHERE lane LIKE 'poll/%'"
    before = await other_env.rows(theirs)
    await env.work()
    assert await env.rows("SELECT count(*) FROM poll_cursor") == [(0,)]
    update_as_owner(env, "lane_share", "repair_at = now() + interval '1 year'")
    async with env.relay_db.transaction(None) as session:
        await session.execute(text("SELECT repairs_fire()"))
    await env.work()
    assert await env.rows("SELECT count(*) FROM poll_cursor") == [(1,)]
    assert await other_env.rows(theirs) == before, "whose check is not due"


async def test_a_paused_channel_is_scanned_again_after_resumption(
    env: ClientEnv,
) -> None:
    await seed(env)
    shop = env.channels["shop0"]
    await set_state(env, shop, "paused")
    await env.work()
    seen = "SELECT max(seen_at) FROM channel_value WHERE connection_id = :c"
    before = await env.rows(seen, c=shop)
    await run(env, "UPDATE timer SET due_at = now() WHERE kind = :kind", kind=job_types.SCAN_DRIFT.name)
    await env.work()
    assert await env.rows(seen, c=shop) == before
    assert f"{job_types.SCAN_DRIFT.name}/{shop}" in await timers(env)
    await set_state(env, shop, "active")
    await run(env, "UPDATE timer SET due_at = now() WHERE kind = :kind", kind=job_types.SCAN_DRIFT.name)
    await env.work()
    assert await env.rows(seen, c=shop) > before
