"""A2, A19: what runs by itself goes on, whatever ended its chain of timers."""

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
"""Before other tests' clients: the relay takes a few per pass."""
_DUE = "SELECT name FROM timer WHERE due_at IS NOT NULL ORDER BY name"
_POLLED = "SELECT count(*) FROM poll_cursor WHERE polled_at >= :since"


async def run(world: ClientEnv, sql: str, **binds: object) -> None:
    async with world.services.db.transaction(world.scope) as session:
        await session.execute(text(sql), binds)


async def set_state(world: ClientEnv, connection: object, state: str) -> None:
    async with world.services.db.transaction(world.scope) as session:
        await set_connection_state(session, connection, state=ConnectionState(state), now=utc_now())  # type: ignore[arg-type]


async def poll_at_once(world: ClientEnv) -> None:
    async with world.services.db.transaction(world.scope) as session:
        await schedule_poll(session, world.erp, at=utc_now())


async def repair(world: ClientEnv) -> None:
    """As the relay does every few minutes."""
    update_as_owner(world, "lane_share", _NEXT)
    async with world.relay_db.transaction(None) as session:
        await session.execute(text("SELECT repairs_fire()"))
    await world.work()


async def timers(world: ClientEnv) -> set[str]:
    return {str(name) for (name,) in await world.rows(_DUE)}


async def test_a2_a_poll_that_fell_due_in_a_pause_comes_after_the_resumption_at_once(world: ClientEnv) -> None:
    await set_state(world, world.erp, "paused")
    await poll_at_once(world)
    await world.work()
    assert await world.rows("SELECT count(*) FROM poll_cursor") == [(0,)]
    await set_state(world, world.erp, "active")  # within the time for which connections are remembered
    await world.work()
    assert await world.rows("SELECT count(*) FROM poll_cursor") == [(1,)]
    assert poll_lane(world.erp) in await timers(world)


async def test_a2_a_resumed_source_does_not_wait_for_the_retry_of_a_poll_that_failed(world: ClientEnv) -> None:
    lane = {"t": world.scope.tenant_id, "m": world.scope.msp_id, "lane": poll_lane(world.erp)}
    await run(
        world,
        "INSERT INTO job (tenant_id, msp_id, lane, kind, key, delayed, ready_at)"
        " VALUES (:t, :m, :lane, :kind, :lane, true, now() + interval '1 hour')",
        kind=POLL.name, **lane,
    )  # fmt: skip
    await run(world, "INSERT INTO lane (tenant_id, msp_id, name) VALUES (:t, :m, :lane)", **lane)
    await run(world, "INSERT INTO timer (tenant_id, msp_id, name, lane, kind) VALUES (:t, :m, :lane, :lane, :kind)",
              kind=POLL.name, **lane)  # fmt: skip
    for state in ("paused", "active"):
        await set_state(world, world.erp, state)
    await world.work()
    assert await world.rows("SELECT count(*) FROM poll_cursor") == [(1,)]


async def test_a2_a_connection_paused_a_moment_ago_is_not_polled(world: ClientEnv) -> None:
    await poll_at_once(world)
    await world.work()
    since = utc_now()
    await set_state(world, world.erp, "paused")
    await run(world, "UPDATE timer SET due_at = now() WHERE kind = :kind", kind=POLL.name)
    await world.work()
    assert await world.rows(_POLLED, since=since) == [(0,)]


async def test_a2_every_duty_whose_timer_is_lost_gets_one_again(world: ClientEnv, other_world: ClientEnv) -> None:
    await seed(world)
    await poll_at_once(world)
    await world.work()
    await world.deliver(world.change("SKU-001", PRICE, 90_000))  # waits for a person
    await world.deliver(world.change("SKU-001", "price.map", 1), message_id="unreadable")
    await world.work()
    # A clock that runs, for it is not seen.
    await run(world, "UPDATE propagation SET state = 'refused', verified_at = NULL, slo_due_at = now() + interval '1 h'"
                     " WHERE change_id = (SELECT id FROM change WHERE state = 'released' LIMIT 1)")  # fmt: skip
    async with world.services.db.transaction(world.scope) as session:
        await record_health(session, world.channels["shop0"], now=utc_now() + timedelta(seconds=1), error="away")
    await world.work()
    scans = {f"{job_types.SCAN_DRIFT.name}/{channel}" for channel in world.channels.values()}
    health = f"{job_types.CHECK_HEALTH.name}/{world.channels['shop0']}"
    expected = {
        poll_lane(world.erp),
        job_types.BREACH_SLOS.name,
        job_types.ESCALATE_EXCEPTIONS.name,
        job_types.EXPIRE_APPROVALS.name,
        health,
        *scans,
    }
    kept = [POLL.name, RATE.name, RERATE.name]
    delete_as_owner(world, "timer", "kind <> ALL (%(kept)s)", kept=kept)
    await run(world, "UPDATE timer SET due_at = NULL")
    theirs = await timers(other_world)
    await repair(world)
    assert await timers(world) >= expected | {RATE.name, RERATE.name}
    assert await timers(other_world) == theirs


async def test_a2_a_timer_that_stands_is_left_alone_and_a_job_that_waits_gets_no_second(world: ClientEnv) -> None:
    await seed(world)
    later = utc_now() + timedelta(minutes=2)
    async with world.services.db.transaction(world.scope) as session:
        await schedule_poll(session, world.erp, at=later)
    before = await world.rows("SELECT name, due_at FROM timer ORDER BY name")
    await repair(world)
    assert await world.rows("SELECT name, due_at FROM timer ORDER BY name") == before
    await run(world, "UPDATE timer SET due_at = NULL WHERE kind = :kind", kind=POLL.name)
    await run(
        world,
        "INSERT INTO job (tenant_id, msp_id, lane, kind, key, delayed, ready_at)"
        " SELECT tenant_id, msp_id, lane, kind, name, true, now() + interval '1 h' FROM timer WHERE kind = :kind",
        kind=POLL.name,
    )
    await repair(world)
    assert await world.rows("SELECT due_at FROM timer WHERE kind = :kind", kind=POLL.name) == [(None,)]


async def test_a2_a_paused_connection_is_not_repaired_into_being_polled(world: ClientEnv) -> None:
    await poll_at_once(world)
    await world.work()
    await set_state(world, world.erp, "paused")
    await run(world, "UPDATE timer SET due_at = NULL WHERE kind = :kind", kind=POLL.name)
    await repair(world)
    assert poll_lane(world.erp) not in await timers(world)


async def test_a2_a_poll_that_became_a_dead_letter_is_polled_again_and_its_replay_harms_nothing(
    world: ClientEnv,
) -> None:
    await poll_at_once(world)
    await run(world, "UPDATE timer SET due_at = NULL WHERE kind = :kind", kind=POLL.name)
    await run(
        world,
        "INSERT INTO dead_letter (tenant_id, msp_id, id, lane, kind, key, attempts, error, enqueued_at, died_at)"
        " SELECT tenant_id, msp_id, gen_random_uuid(), lane, kind, name, 1, 'it died', now(), now() FROM timer"
        " WHERE kind = :kind",
        kind=POLL.name,
    )
    await repair(world)
    assert await world.rows("SELECT count(*) FROM poll_cursor") == [(1,)]
    ((letter,),) = await world.rows("SELECT id FROM dead_letter")
    async with world.services.db.transaction(member_scope(world)) as session:
        await replay_dead_letter(session, letter, now=utc_now())  # type: ignore[arg-type]
    await world.work()
    assert await world.rows("SELECT count(*) FROM timer WHERE kind = :kind AND due_at > now()", kind=POLL.name) == [
        (1,)
    ]


async def test_a2_the_timers_of_a_resting_client_are_not_checked_and_its_jobs_do_not_pile_up(world: ClientEnv) -> None:
    tenant = {"t": world.scope.tenant_id}
    await run(world, "UPDATE lane_share SET resting = true WHERE tenant_id = :t", **tenant)
    for _ in range(2):
        await repair(world)
    assert await world.rows("SELECT count(*) FROM job WHERE lane = 'repair'") == [(0,)]
    await run(world, "UPDATE lane_share SET resting = false WHERE tenant_id = :t", **tenant)
    update_as_owner(world, "lane_share", _NEXT)
    async with world.relay_db.transaction(None) as session:
        await session.execute(text("SELECT repairs_fire()"))
        await session.execute(text("SELECT repairs_fire()"))
    assert await world.rows("SELECT count(*) FROM job WHERE lane = 'repair'") == [(1,)]


async def test_a2_a_connection_that_still_fails_after_it_was_resumed_is_told(world: ClientEnv) -> None:
    shop, name = world.channels["shop0"], f"{job_types.CHECK_HEALTH.name}/{world.channels['shop0']}"
    async with world.services.db.transaction(world.scope) as session:
        await record_health(session, shop, now=utc_now(), error="The shop answered 503.")
    await set_state(world, shop, "paused")
    await world.work()
    assert name not in await timers(world)
    await set_state(world, shop, "active")
    await world.work()
    assert name in await timers(world)
    past = FAILING_AFTER + timedelta(minutes=1)
    update_as_owner(world, "connection", "created_at = created_at - %(past)s", past=past)
    await run(world, "UPDATE timer SET due_at = now() WHERE name = :name", name=name)
    await world.work()
    assert await world.rows("SELECT code, subject FROM governance_exception WHERE state = 'open'") == [
        (ExceptionType.CONNECTION_FAILING, str(shop))
    ]


async def test_a2_the_next_source_of_an_element_is_polled_as_the_one_before_was(
    world: ClientEnv, sandbox: RunningSandbox
) -> None:
    await poll_at_once(world)
    await world.work()
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    new = NewConnection("sandbox-erp", "New ERP", sandbox.add("sandbox-erp"), secrets={"webhook_secret": secret})
    successor = await connect(world.services, world.scope, new)
    assert poll_lane(successor) not in await timers(world)
    await publish_contracts(world.services, world.scope, successor)
    await world.work()
    polled = "SELECT count(*) FROM poll_cursor WHERE connection_id = :c"
    assert await world.rows(polled, c=successor) == [(1,)]


async def test_a2_a_contract_published_anew_leaves_polls_going(world: ClientEnv) -> None:
    await poll_at_once(world)
    await world.work()
    before = await timers(world)
    await publish_contracts(world.services, world.scope, world.erp, propagation_slo=timedelta(seconds=45))
    assert await timers(world) >= before


async def test_a19_accepting_a_baseline_arms_a_drift_scan_of_each_channel(
    world: ClientEnv, other_world: ClientEnv
) -> None:
    await read_and_accept(world)
    scans = {f"{job_types.SCAN_DRIFT.name}/{channel}" for channel in world.channels.values()}
    assert {name for name in await timers(world) if name.startswith(job_types.SCAN_DRIFT.name)} == scans
    assert not {name for name in await timers(other_world) if name.startswith(job_types.SCAN_DRIFT.name)}


@pytest.mark.parametrize("channel", ["shop0", "market1"])
async def test_a19_a_channel_that_is_resumed_is_scanned_again(world: ClientEnv, channel: str) -> None:
    await set_state(world, world.channels[channel], "paused")
    await world.work()
    await set_state(world, world.channels[channel], "active")
    await world.work()
    assert f"{job_types.SCAN_DRIFT.name}/{world.channels[channel]}" in await timers(world)


async def test_a2_the_next_value_is_scanned_for_drift_as_well_as_the_first(world: ClientEnv) -> None:
    await world.deliver(world.change("SKU-002", STOCK, 6))
    await world.work(settle=20.0)
    assert {name for name in await timers(world) if name.startswith(job_types.SCAN_DRIFT.name)} == {
        f"{job_types.SCAN_DRIFT.name}/{channel}" for channel in world.channels.values()
    }


async def test_a2_a_timer_that_a_wrong_clock_set_far_ahead_is_brought_back(world: ClientEnv) -> None:
    await poll_at_once(world)
    await world.work()
    await run(world, "UPDATE timer SET due_at = now() + interval '1 year'")
    await repair(world)
    ahead = "SELECT name FROM timer WHERE due_at > now() + interval '3 days'"
    idle = {
        (job_types.BREACH_SLOS.name,),
        (job_types.ESCALATE_EXCEPTIONS.name,),
        (job_types.EXPIRE_APPROVALS.name,),
    }  # set sooner by the next one that is due
    assert set(await world.rows(ahead)) <= idle


@pytest.mark.parametrize("put_ahead", ["job", "rest", "lease"])
async def test_a2_what_a_wrong_clock_put_far_ahead_in_a_lane_is_brought_back(
    world: ClientEnv, other_world: ClientEnv, put_ahead: str
) -> None:
    """The check itself was put ahead as well."""
    for each in (world, other_world):
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
    before = await other_world.rows(theirs)
    await world.work()
    assert await world.rows("SELECT count(*) FROM poll_cursor") == [(0,)]
    update_as_owner(world, "lane_share", "repair_at = now() + interval '1 year'")
    async with world.relay_db.transaction(None) as session:
        await session.execute(text("SELECT repairs_fire()"))
    await world.work()
    assert await world.rows("SELECT count(*) FROM poll_cursor") == [(1,)]
    assert await other_world.rows(theirs) == before, "whose check is not due"


async def test_a2_a_paused_channel_is_not_scanned_and_its_scans_go_on_after_it_is_resumed(
    world: ClientEnv,
) -> None:
    await seed(world)
    shop = world.channels["shop0"]
    await set_state(world, shop, "paused")
    await world.work()
    seen = "SELECT max(seen_at) FROM channel_value WHERE connection_id = :c"
    before = await world.rows(seen, c=shop)
    await run(world, "UPDATE timer SET due_at = now() WHERE kind = :kind", kind=job_types.SCAN_DRIFT.name)
    await world.work()
    assert await world.rows(seen, c=shop) == before
    assert f"{job_types.SCAN_DRIFT.name}/{shop}" in await timers(world)
    await set_state(world, shop, "active")
    await run(world, "UPDATE timer SET due_at = now() WHERE kind = :kind", kind=job_types.SCAN_DRIFT.name)
    await world.work()
    assert await world.rows(seen, c=shop) > before
