"""The main use case on real systems: a price changes in the ERP, is decided, pushed, read back, and metered."""

from uuid import UUID

from sqlalchemy import text

from canonical.elements import COST, PRICE, STOCK
from connectors.sandbox.faults import Faults
from connectors.translation.job_type import ingest_lane
from connectors.webhooks.writer import Stored
from controlplane.jobs import build_jobs
from controlplane.services import Services
from foundation.audit.chain import verify_chain
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.jobs.worker import LaneWorker
from foundation.scope import Actor, Scope
from governance.approvals.release import answer_change
from governance.changes.rollback import roll_back_change
from governance.job_types import PUSH
from tests.conftest import Urls
from tests.connectors.running import RunningSandbox
from tests.support.client_env import ClientEnv, build_client_env

STATES = "SELECT state, count(*) FROM propagation GROUP BY state ORDER BY state"


async def seed(env: ClientEnv, sku: str = "SKU-001", price: int = 10_000, cost: int = 5_000) -> None:
    """A product whose price is live on every channel; the first price needs approval, because none precedes it."""
    await env.deliver(env.change(sku, COST, cost), env.change(sku, PRICE, price))
    await env.work()
    await approve_all(env)
    await env.work(settle=20.0)


def member_scope(env: ClientEnv) -> Scope:
    return Scope(env.scope.msp_id, env.scope.tenant_id, Actor("member", str(new_id()), "Ada"))


async def approve_all(env: ClientEnv) -> None:
    waiting = await env.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    async with env.services.db.transaction(member_scope(env)) as session:
        for (change_id,) in waiting:
            await answer_change(session, change_id, grant=True, reason="fine", now=utc_now())  # type: ignore[arg-type]


async def test_a_small_change_reaches_every_channel_and_is_proven_and_metered(env: ClientEnv) -> None:
    await seed(env)
    assert await env.deliver(env.change("SKU-001", PRICE, 10_400)) is Stored.NEW
    await env.work(settle=20.0)
    changes = await env.rows("SELECT minor(new_value), outcome, rule_id FROM change ORDER BY proposed_at")
    assert changes[1:] == [(10_400, "auto", "price-small-change")]
    assert await env.rows(STATES) == [("verified", 4)]
    assert await env.rows("SELECT count(*) FROM usage_event WHERE meter = 'sync.verified'") == [(4,)]
    shown = await env.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'")
    assert shown == [(10_400,)]
    async with env.services.db.transaction(env.scope) as session:
        verdict = await verify_chain(session)
    assert verdict.broken_at is None
    assert verdict.entries > 6


async def test_the_same_event_twice_is_one_effect(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    change = env.change("SKU-001", PRICE, 10_300)
    assert await env.deliver(change, message_id="same") is Stored.NEW
    assert await env.deliver(change, message_id="same") is Stored.DUPLICATE
    assert await env.deliver(change, message_id="another id, same version") is Stored.NEW
    await env.work(settle=20.0)
    assert await env.rows("SELECT count(*) FROM change WHERE minor(new_value) = 10300") == [(1,)]
    effects = sandbox.effects(env.urls["shop0"])
    assert effects["repeated"] == {}


async def test_reordered_events_never_overwrite_newer_values(env: ClientEnv) -> None:
    await seed(env)
    older, newer = env.change("SKU-001", PRICE, 10_100), env.change("SKU-001", PRICE, 10_200)
    await env.deliver(newer)
    await env.deliver(older)
    await env.work(settle=20.0)
    assert await env.rows("SELECT minor(value) FROM record_value WHERE element = 'price.list'") == [(10_200,)]
    assert await env.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'") == [(10_200,)]


async def test_a_large_change_waits_for_a_person_and_nothing_is_sent_before(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    await seed(env)
    before = sandbox.effects(env.urls["shop0"])["effects"]
    await env.deliver(env.change("SKU-001", PRICE, 12_000))
    await env.work(settle=0.5)
    assert await env.rows("SELECT state, rule_id FROM change WHERE minor(new_value) = 12000") == [
        ("awaiting_approval", "price-large-change")
    ]
    assert sandbox.effects(env.urls["shop0"])["effects"] == before
    await approve_all(env)
    await env.work(settle=20.0)
    assert await env.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'") == [(12_000,)]


async def test_below_cost_is_refused_with_an_exception(env: ClientEnv) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 4_900))
    await env.work()
    assert await env.rows("SELECT code, state FROM governance_exception") == [("change.refused", "open")]
    await env.deliver(env.change("SKU-001", PRICE, 10_050))
    await env.work(settle=20.0)
    assert await env.rows("SELECT code, state FROM governance_exception") == [("change.refused", "resolved")]


async def test_a_value_accepted_and_dropped_keeps_its_clock_and_opens_an_exception(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    await seed(env)
    sandbox.break_(env.urls["shop0"], Faults(discard=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work(settle=0.5)
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE propagation SET slo_due_at = now() WHERE state <> 'verified'"))
        await session.execute(text("UPDATE timer SET due_at = now() WHERE name = 'governance.breach_slos'"))
    await env.work(settle=0.5)
    states = await env.rows(
        "SELECT c.name, p.state, p.breached, p.verified_at IS NULL FROM propagation p"
        " JOIN connection c ON c.id = p.connection_id WHERE minor(p.value) = 10100 ORDER BY c.name"
    )
    assert states == [("market1", "verified", False, False), ("shop0", "accepted", True, True)]
    [found] = await env.exceptions()
    assert (found.code, found.state) == ("propagation.slo_breached", "open")
    assert found.detail.startswith("List price of SKU-001: ")
    sandbox.mend(env.urls["shop0"])
    await env.work(until="SELECT bool_and(state = 'verified') FROM propagation")
    assert await env.rows("SELECT code, state, closed_by FROM governance_exception") == [
        ("propagation.slo_breached", "resolved", "corrected")
    ]


async def test_an_unreadable_message_is_quarantined_with_its_bytes(env: ClientEnv) -> None:
    assert await env.deliver_bytes(b'{"type": "price.changed", "skuu": 1') is Stored.NEW
    await env.work()
    rows = await env.rows(
        "SELECT x.code, e.body FROM governance_exception x JOIN source_event e ON e.id = x.source_event_id"
    )
    assert rows == [("source.quarantined", b'{"type": "price.changed", "skuu": 1')]
    await env.deliver_bytes(b'{"type": "price.changed", "skuu": 1}')
    await env.work()
    details = [found.detail for found in await env.exceptions()]
    assert [(detail.count("stored"), detail.count("replay")) for detail in details] == [(1, 1)] * 2


async def test_a_reused_id_with_other_content_is_stored_and_shown(env: ClientEnv) -> None:
    await env.deliver(env.change("SKU-001", STOCK, 5), message_id="m1")
    assert await env.deliver(env.change("SKU-001", STOCK, 6), message_id="m1") is Stored.ID_CONFLICT
    await env.work(settle=20.0)
    assert await env.rows("SELECT code FROM governance_exception") == [("source.id_conflict",)]
    assert await env.rows("SELECT minor(value) FROM record_value") == [(5,)]


async def test_rollback_restores_the_previous_value_on_every_channel(env: ClientEnv) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 10_400))
    await env.work(settle=20.0)
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE minor(new_value) = 10400")
    async with env.services.db.transaction(member_scope(env)) as session:
        await roll_back_change(session, env.services.governance, change_id)  # type: ignore[arg-type]
    await env.work(settle=20.0)
    assert await env.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'") == [(10_000,)]


async def test_a_rollback_on_one_channel_is_attributed_and_leaves_the_other(env: ClientEnv) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 10_400))
    await env.work(settle=20.0)
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE minor(new_value) = 10400")
    ada = member_scope(env)
    async with env.services.db.transaction(ada) as session:
        back = await roll_back_change(
            session, env.services.governance, UUID(str(change_id)), connection_id=env.channels["shop0"]
        )
    await env.work(settle=20.0)
    shown = await env.rows(
        "SELECT c.name, minor(v.value) FROM channel_value v JOIN connection c ON c.id = v.connection_id"
        " WHERE v.element = 'price.list' ORDER BY c.name"
    )
    assert shown == [("market1", 10_400), ("shop0", 10_000)]
    rows = await env.rows(
        "SELECT origin, author, state, minor(old_value), minor(new_value) FROM change WHERE id = :id", id=back
    )
    assert rows == [("rollback", ada.actor.id, "released", 10_400, 10_000)]


async def test_a_rollback_on_one_channel_preserves_the_approved_value_of_others(env: ClientEnv) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 10_400))
    await env.work(settle=20.0)
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE minor(new_value) = 10400")
    async with env.services.db.transaction(member_scope(env)) as session:
        back = await roll_back_change(
            session,
            env.services.governance,
            change_id,  # type: ignore[arg-type]
            connection_id=env.channels["shop0"],
        )
    await env.work(settle=20.0)
    shown = (
        "SELECT c.name, minor(v.value) FROM channel_value v JOIN connection c ON c.id = v.connection_id ORDER BY c.name"
    )
    assert await env.rows(shown) == [("market1", 10_400), ("shop0", 10_000)]
    assert await env.rows("SELECT minor(value) FROM record_value WHERE element = 'price.list'") == [(10_400,)]
    async with env.services.db.transaction(member_scope(env)) as session:
        await roll_back_change(session, env.services.governance, back)
    await env.work(settle=20.0)
    assert await env.rows(shown) == [("market1", 10_400), ("shop0", 10_400)]
    await env.deliver(env.change("SKU-001", PRICE, 10_000))
    await env.work(settle=20.0)
    assert await env.rows(shown) == [("market1", 10_000), ("shop0", 10_000)]


async def test_an_outage_of_three_of_five_channels_is_each_channels_own_state(
    services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> None:
    env = await build_client_env(services, relay_db, urls.intake, sandbox, channels=5)
    await seed(env)
    away = ["shop0", "shop2", "shop4"]
    for name in away:
        sandbox.break_(env.urls[name], Faults(outage=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work(settle=0.6)
    states = await env.rows(
        "SELECT c.name, p.state FROM propagation p JOIN connection c ON c.id = p.connection_id"
        " WHERE minor(p.value) = 10100 ORDER BY c.name"
    )
    assert [(name, state) for name, state in states if name in away] == [(name, "pending") for name in away]
    assert [state for name, state in states if name not in away] == ["verified", "verified"]
    for name in away:
        sandbox.mend(env.urls[name])
    await env.work(until="SELECT bool_and(state = 'verified') FROM propagation")
    assert await env.rows("SELECT DISTINCT state FROM propagation") == [("verified",)]
    await env.close()


async def test_another_tenant_sees_nothing_of_it(env: ClientEnv, other_env: ClientEnv) -> None:
    await seed(env)
    for table in (
        "change",
        "propagation",
        "record_value",
        "channel_value",
        "usage_event",
        "source_event",
        "audit_entry",
    ):
        mine, theirs = (
            await env.rows(f"SELECT count(*) FROM {table}"),
            await other_env.rows(f"SELECT count(*) FROM {table} WHERE tenant_id = :t", t=env.scope.tenant_id),
        )
        assert mine[0][0] > 0  # type: ignore[operator]
        assert theirs == [(0,)]


async def test_one_correlation_id_leads_from_the_webhook_to_the_read_back(env: ClientEnv) -> None:
    """Two webhooks in one batch: each keeps its own id on its event, its change and both of its audit entries."""
    await env.deliver(env.change("SKU-001", STOCK, 41))
    await env.deliver(env.change("SKU-002", STOCK, 42))
    await env.work(settle=20.0)
    rows = await env.rows("""
        SELECT c.id, e.correlation, c.correlation,
               (SELECT array_agg(DISTINCT a.body::jsonb->>'correlation') FROM audit_entry a
                 WHERE a.subject = 'change:' || c.id AND a.action IN ('change.released', 'propagation.verified'))
          FROM change c JOIN source_event e ON e.id = c.source_event_id
    """)
    assert len(rows) == 2
    assert rows[0][1] != rows[1][1]
    for _, of_event, of_change, in_audit in rows:
        assert of_event == of_change
        assert in_audit == [of_event]


async def test_each_push_is_done_under_the_id_of_its_own_webhook(env: ClientEnv) -> None:
    """Also when one batch contained both."""
    services, scope = env.services, env.scope
    worker = LaneWorker(
        services.db, services.ready_queue, build_jobs(services), pool="shared", metrics=services.lane_metrics, lease=60
    )
    await env.deliver(env.change("SKU-001", STOCK, 41))
    await env.deliver(env.change("SKU-002", STOCK, 42))
    await worker.run_lane(scope.msp_id, scope.tenant_id, ingest_lane(env.erp))
    pushes = "SELECT w.correlation, c.correlation FROM job w JOIN change c ON c.id = w.ref WHERE w.kind = :kind"
    rows = await env.rows(pushes, kind=PUSH.name)
    assert len(rows) == 4
    assert len({of_work for of_work, _ in rows}) == 2
    assert [of_work for of_work, _ in rows] == [of_change for _, of_change in rows]
