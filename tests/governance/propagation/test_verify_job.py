"""Verification of accepted values: repeated readings, their limits, and concurrency."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from canonical.elements import PRICE
from connectors.connections import set_connection_state
from connectors.sandbox.faults import Faults
from connectors.states import ConnectionState
from controlplane.jobs import build_jobs
from foundation.clock import utc_now
from foundation.i18n.messages import TEXT, encode_message
from foundation.ids import new_id
from foundation.jobs.enqueue import enqueue
from foundation.jobs.worker import LaneWorker
from governance.changes.rollback import roll_back_change
from governance.job_types import push_lane, verify_lane
from governance.propagation import settlement, verify_job
from governance.propagation.repository import Settled, ShownValueRow, load_pending, settle_propagations, show_values
from governance.propagation.settlement import Settlement, push_job, write_settlement
from governance.propagation.states import PropagationState
from tests.connectors.running import RunningSandbox
from tests.governance.test_main_job import member_scope, seed
from tests.support.client_env import ClientEnv
from tests.support.values import at, minor

_ON_SHOP = """
    SELECT minor(p.value), p.state FROM propagation p WHERE p.connection_id = :shop AND p.element = 'price.list'
     ORDER BY p.version
"""


async def make_jobs_due(env: ClientEnv) -> None:
    """Make delayed jobs due."""
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text("UPDATE job SET ready_at = clock_timestamp() - interval '1 ms' WHERE tenant_id = :t AND delayed"),
            {"t": env.scope.tenant_id},
        )
    await env.work()


async def works(env: ClientEnv) -> list[tuple[object, ...]]:
    return await env.rows("SELECT split_part(lane, '/', 1), count(*) FROM job GROUP BY 1")


async def test_proving_one_value_is_never_more_than_one_item_of_work(
    env: ClientEnv, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (settlement, verify_job):  # no readings except those made due here
        monkeypatch.setattr(module, "FIRST_READ_SECONDS", 3600.0)
    monkeypatch.setattr(verify_job, "LONGEST_PAUSE_SECONDS", 3600.0)
    await seed(env)
    sandbox.break_(env.urls["shop0"], Faults(discard=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work()
    before = sandbox.effects(env.urls["shop0"])["effects"]
    for _ in range(30):
        assert await works(env) == [("verify", 1)]
        await make_jobs_due(env)
    attempts = await env.rows("SELECT attempts FROM propagation WHERE minor(value) = 10100 AND state = 'accepted'")
    assert attempts == [(1 + 2 * (30 // 4),)], "sent again after every four looks"
    assert sandbox.effects(env.urls["shop0"])["effects"] == before


async def test_a_value_that_never_appears_fails_with_its_clock_running(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    sandbox.break_(env.urls["shop0"], Faults(discard=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work()
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text("UPDATE propagation SET accepted_at = accepted_at - interval '5 hours' WHERE value->>'amount' = '101'")
        )
    await make_jobs_due(env)
    assert await works(env) == []
    found = await env.rows("SELECT state, verified_at FROM propagation WHERE minor(value) = 10100 AND attempts > 1")
    assert found == [("failed", None)]
    assert await env.rows("SELECT code, state FROM governance_exception") == [("propagation.failed", "open")]
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE propagation SET slo_due_at = committed_at WHERE state = 'failed'"))
        await session.execute(text("UPDATE timer SET due_at = clock_timestamp()"))
    await env.work()
    assert ("propagation.slo_breached", "open") in await env.rows("SELECT code, state FROM governance_exception")


async def test_a_late_settlement_does_not_revert_a_verification(env: ClientEnv) -> None:
    await seed(env)
    shop = env.channels["shop0"]
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE minor(new_value) = 10000")
    before = await env.rows("SELECT * FROM propagation ORDER BY change_id, connection_id")
    async with env.services.db.transaction(env.scope) as session:
        for was in (PropagationState.PENDING, PropagationState.ACCEPTED):
            late = Settled(change_id, PropagationState.ACCEPTED, utc_now(), error="late")  # type: ignore[arg-type]
            assert await settle_propagations(session, shop, [late], was=was) == {}
    assert await env.rows("SELECT * FROM propagation ORDER BY change_id, connection_id") == before


async def test_a_reading_of_a_superseded_value_is_ignored(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    shop = env.channels["shop0"]
    sandbox.break_(env.urls["shop0"], Faults(discard=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work()
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE minor(new_value) = 10100")
    async with env.services.db.transaction(env.scope) as session:
        pending = await load_pending(session, shop, [change_id])  # type: ignore[list-item]
    await env.deliver(env.change("SKU-001", PRICE, 10_200))
    await env.work()
    assert await env.rows(_ON_SHOP, shop=shop) == [(10_000, "verified"), (10_100, "superseded"), (10_200, "accepted")]
    traces = (
        "SELECT id FROM usage_event ORDER BY id", "SELECT minor(value) FROM channel_value ORDER BY connection_id",
        "SELECT count(*) FROM audit_entry",
    )  # fmt: skip
    before = [await env.rows(trace) for trace in traces]
    found = Settlement(shop, PropagationState.ACCEPTED, utc_now())
    found.verified(pending[change_id])  # type: ignore[index]
    async with env.services.db.transaction(env.scope) as session:
        await write_settlement(session, env.services.governance, found)
    assert [await env.rows(trace) for trace in traces] == before


async def test_values_superseded_during_an_outage_are_not_sent(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    sandbox.break_(env.urls["shop0"], Faults(outage=1.0))
    for amount in (10_100, 10_200):
        await env.deliver(env.change("SKU-001", PRICE, amount))
        await env.work()
    sandbox.mend(env.urls["shop0"])
    done = "SELECT bool_and(state IN ('verified', 'superseded')) FROM propagation"
    await env.work(until=done)
    log: list[dict[str, object]] = sandbox.effects(env.urls["shop0"])["log"]  # type: ignore[assignment]
    assert [effect["amount"] for effect in log] == [10_000, 10_200]


async def test_an_older_reading_never_replaces_the_channels_value(env: ClientEnv) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work(settle=20.0)
    shop = env.channels["shop0"]
    kept = await env.rows("SELECT minor(value), version FROM channel_value WHERE connection_id = :c", c=shop)
    assert kept == [(10_100, 2)]
    older = ShownValueRow(*at("SKU-001", PRICE), minor(10_000), 1, new_id())
    async with env.services.db.transaction(env.scope) as session:
        await show_values(session, shop, [older], now=utc_now())
    assert await env.rows("SELECT minor(value), version FROM channel_value WHERE connection_id = :c", c=shop) == kept


async def test_concurrent_push_and_verification_are_metered_once(env: ClientEnv, sandbox: RunningSandbox) -> None:
    """An additional push exists during the check; the one that settles last must not undo the verification."""
    await seed(env)
    services, scope, shop = env.services, env.scope, env.channels["shop0"]
    sandbox.break_(env.urls["shop0"], Faults(discard=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work()
    ((change_id, correlation),) = await env.rows("SELECT id, correlation FROM change WHERE minor(new_value) = 10100")
    async with services.db.transaction(scope) as session:
        enqueue(session, [push_job(change_id, shop, at("SKU-001", PRICE), str(correlation))])  # type: ignore[arg-type]
    sandbox.mend(env.urls["shop0"])
    worker = LaneWorker(
        services.db, services.ready_queue, build_jobs(services), pool="shared", metrics=services.lane_metrics, lease=60
    )
    for _ in range(4):
        await make_jobs_due(env)
        for lane in (verify_lane(shop), push_lane(shop)):
            await worker.run_lane(scope.msp_id, scope.tenant_id, lane)
    seen = "SELECT state, verified_at IS NOT NULL FROM propagation WHERE minor(value) = 10100"
    assert await env.rows(seen) == [("verified", True)] * 2
    notes = "SELECT count(*) FROM audit_entry WHERE action = 'propagation.verified' AND subject = :s"
    assert await env.rows(notes, s=f"change:{change_id}") == [(2,)]


async def test_an_older_value_is_not_sent_after_a_newer_one(env: ClientEnv, sandbox: RunningSandbox) -> None:
    """Two values wait for one channel when a third is released for another: the first of the two stays superseded."""
    await seed(env)
    shop, market = env.channels["shop0"], env.channels["market1"]
    sandbox.break_(env.urls["shop0"], Faults(outage=1.0))
    for amount in (10_100, 10_200):
        await env.deliver(env.change("SKU-001", PRICE, amount))
        await env.work(settle=0.5)
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE minor(new_value) = 10200")
    async with env.services.db.transaction(member_scope(env)) as session:
        await roll_back_change(session, env.services.governance, change_id, connection_id=market)  # type: ignore[arg-type]
        ((first,),) = await env.rows("SELECT id FROM change WHERE minor(new_value) = 10100 AND origin = 'source'")
        pending = await load_pending(session, shop, [first, change_id])  # type: ignore[list-item]
    assert [pending[first].superseded, pending[change_id].superseded] == [True, False]  # type: ignore[index]
    sandbox.mend(env.urls["shop0"])
    await env.work(until="SELECT bool_and(state IN ('verified', 'superseded')) FROM propagation")
    assert await env.rows(_ON_SHOP, shop=shop) == [
        (10_000, "verified"), (10_100, "superseded"), (10_200, "verified"),
    ]  # fmt: skip


async def test_resuming_a_channel_skips_its_requested_pause(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    sandbox.break_(env.urls["shop0"], Faults(too_many_requests=1.0, retry_after="9000", remaining=1))
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work()
    paused = "SELECT extract(epoch FROM paused_until - clock_timestamp()) FROM lane WHERE paused_until IS NOT NULL"
    ((seconds,),) = await env.rows(paused)
    assert 3000 < float(str(seconds)) <= 3600
    async with env.services.db.transaction(member_scope(env)) as session:
        for state in ("paused", "active"):
            await set_connection_state(session, env.channels["shop0"], state=ConnectionState(state), now=utc_now())
    assert await env.rows(paused) == []


async def test_a_refused_values_clock_runs_until_it_is_superseded(env: ClientEnv, sandbox: RunningSandbox) -> None:
    """The shop does not sell in the currency and refuses it: buyers see nothing new, so the clock must not stop."""
    await seed(env)
    shop = env.channels["shop0"]
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE propagation SET state = 'refused' WHERE connection_id = :c"), {"c": shop})
        await session.execute(
            text("UPDATE propagation SET slo_due_at = :now, breached = false, error = :error WHERE state = 'refused'"),
            {"now": utc_now() - timedelta(seconds=1), "error": encode_message(TEXT.fill(text="No."))},
        )
        await session.execute(text("UPDATE channel_value SET version = 0 WHERE connection_id = :c"), {"c": shop})
        await session.execute(text("UPDATE timer SET due_at = clock_timestamp() WHERE name = 'governance.breach_slos'"))
    await env.work()
    late = "SELECT code, state FROM governance_exception ORDER BY opened_at"
    assert await env.rows(late) == [("propagation.slo_breached", "open")]
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work(settle=20.0)
    assert await env.rows(_ON_SHOP, shop=shop) == [(10_000, "superseded"), (10_100, "verified")]
    assert await env.rows(late) == [("propagation.slo_breached", "resolved")]
