"""The main job on real systems: a price changes in the ERP, is governed, pushed, seen by read-back, and metered."""

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


async def seed(world: ClientEnv, sku: str = "SKU-001", price: int = 10_000, cost: int = 5_000) -> None:
    """A product whose price is live on every channel; the first price needs a person, having none before it."""
    await world.deliver(world.change(sku, COST, cost), world.change(sku, PRICE, price))
    await world.work()
    await approve_all(world)
    await world.work(settle=20.0)


def member_scope(world: ClientEnv) -> Scope:
    return Scope(world.scope.msp_id, world.scope.tenant_id, Actor("member", str(new_id()), "Ada"))


async def approve_all(world: ClientEnv) -> None:
    waiting = await world.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    async with world.services.db.transaction(member_scope(world)) as session:
        for (change_id,) in waiting:
            await answer_change(session, change_id, grant=True, reason="fine", now=utc_now())  # type: ignore[arg-type]


async def test_a_small_change_reaches_every_channel_and_is_proven_and_metered(world: ClientEnv) -> None:
    await seed(world)
    assert await world.deliver(world.change("SKU-001", PRICE, 10_400)) is Stored.NEW
    await world.work(settle=20.0)
    changes = await world.rows("SELECT minor(new_value), outcome, rule_id FROM change ORDER BY proposed_at")
    assert changes[1:] == [(10_400, "auto", "price-small-change")]
    assert await world.rows(STATES) == [("verified", 4)]
    assert await world.rows("SELECT count(*) FROM usage_event WHERE meter = 'sync.verified'") == [(4,)]
    shown = await world.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'")
    assert shown == [(10_400,)]
    async with world.services.db.transaction(world.scope) as session:
        verdict = await verify_chain(session)
    assert verdict.broken_at is None
    assert verdict.entries > 6


async def test_the_same_event_twice_is_one_effect(world: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(world)
    change = world.change("SKU-001", PRICE, 10_300)
    assert await world.deliver(change, message_id="same") is Stored.NEW
    assert await world.deliver(change, message_id="same") is Stored.DUPLICATE
    assert await world.deliver(change, message_id="another id, same version") is Stored.NEW
    await world.work(settle=20.0)
    assert await world.rows("SELECT count(*) FROM change WHERE minor(new_value) = 10300") == [(1,)]
    effects = sandbox.effects(world.urls["shop0"])
    assert effects["repeated"] == {}


async def test_reordered_events_never_overwrite_newer_values(world: ClientEnv) -> None:
    await seed(world)
    older, newer = world.change("SKU-001", PRICE, 10_100), world.change("SKU-001", PRICE, 10_200)
    await world.deliver(newer)
    await world.deliver(older)
    await world.work(settle=20.0)
    assert await world.rows("SELECT minor(value) FROM record_value WHERE element = 'price.list'") == [(10_200,)]
    assert await world.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'") == [
        (10_200,)
    ]


async def test_a_large_change_waits_for_a_person_and_nothing_leaves_before(
    world: ClientEnv, sandbox: RunningSandbox
) -> None:
    await seed(world)
    before = sandbox.effects(world.urls["shop0"])["effects"]
    await world.deliver(world.change("SKU-001", PRICE, 12_000))
    await world.work(settle=0.5)
    assert await world.rows("SELECT state, rule_id FROM change WHERE minor(new_value) = 12000") == [
        ("awaiting_approval", "price-large-change")
    ]
    assert sandbox.effects(world.urls["shop0"])["effects"] == before
    await approve_all(world)
    await world.work(settle=20.0)
    assert await world.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'") == [
        (12_000,)
    ]


async def test_below_cost_is_refused_with_an_exception(world: ClientEnv) -> None:
    await seed(world)
    await world.deliver(world.change("SKU-001", PRICE, 4_900))
    await world.work()
    assert await world.rows("SELECT code, state FROM governance_exception") == [("change.refused", "open")]
    await world.deliver(world.change("SKU-001", PRICE, 10_050))
    await world.work(settle=20.0)
    assert await world.rows("SELECT code, state FROM governance_exception") == [("change.refused", "resolved")]


async def test_accept_and_discard_keeps_the_clock_running_and_raises_an_exception(
    world: ClientEnv, sandbox: RunningSandbox
) -> None:
    await seed(world)
    sandbox.break_(world.urls["shop0"], Faults(discard=1.0))
    await world.deliver(world.change("SKU-001", PRICE, 10_100))
    await world.work(settle=0.5)
    async with world.services.db.transaction(world.scope) as session:
        await session.execute(text("UPDATE propagation SET slo_due_at = now() WHERE state <> 'verified'"))
        await session.execute(text("UPDATE timer SET due_at = now() WHERE name = 'governance.breach_slos'"))
    await world.work(settle=0.5)
    states = await world.rows(
        "SELECT c.name, p.state, p.breached, p.verified_at IS NULL FROM propagation p"
        " JOIN connection c ON c.id = p.connection_id WHERE minor(p.value) = 10100 ORDER BY c.name"
    )
    assert states == [("market1", "verified", False, False), ("shop0", "accepted", True, True)]
    [found] = await world.exceptions()
    assert (found.code, found.state) == ("propagation.slo_breached", "open")
    assert found.detail.startswith("List price of SKU-001: ")
    sandbox.mend(world.urls["shop0"])
    await world.work(until="SELECT bool_and(state = 'verified') FROM propagation")
    assert await world.rows("SELECT code, state, closed_by FROM governance_exception") == [
        ("propagation.slo_breached", "resolved", "corrected")
    ]


async def test_an_unreadable_message_is_quarantined_with_its_bytes(world: ClientEnv) -> None:
    assert await world.deliver_bytes(b'{"type": "price.changed", "skuu": 1') is Stored.NEW
    await world.work()
    rows = await world.rows(
        "SELECT x.code, e.body FROM governance_exception x JOIN source_event e ON e.id = x.source_event_id"
    )
    assert rows == [("source.quarantined", b'{"type": "price.changed", "skuu": 1')]
    await world.deliver_bytes(b'{"type": "price.changed", "skuu": 1}')
    await world.work()
    details = [found.detail for found in await world.exceptions()]
    assert [(detail.count("kept"), detail.count("replay")) for detail in details] == [(1, 1)] * 2


async def test_a_reused_id_with_other_content_is_kept_and_shown(world: ClientEnv) -> None:
    await world.deliver(world.change("SKU-001", STOCK, 5), message_id="m1")
    assert await world.deliver(world.change("SKU-001", STOCK, 6), message_id="m1") is Stored.ID_CONFLICT
    await world.work(settle=20.0)
    assert await world.rows("SELECT code FROM governance_exception") == [("source.id_conflict",)]
    assert await world.rows("SELECT minor(value) FROM record_value") == [(5,)]


async def test_rollback_restores_the_previous_value_on_every_channel(world: ClientEnv) -> None:
    await seed(world)
    await world.deliver(world.change("SKU-001", PRICE, 10_400))
    await world.work(settle=20.0)
    ((change_id,),) = await world.rows("SELECT id FROM change WHERE minor(new_value) = 10400")
    async with world.services.db.transaction(member_scope(world)) as session:
        await roll_back_change(session, world.services.governance, change_id)  # type: ignore[arg-type]
    await world.work(settle=20.0)
    assert await world.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'") == [
        (10_000,)
    ]


async def test_rollback_on_one_channel_leaves_the_other_and_says_who_wanted_it(world: ClientEnv) -> None:
    await seed(world)
    await world.deliver(world.change("SKU-001", PRICE, 10_400))
    await world.work(settle=20.0)
    ((change_id,),) = await world.rows("SELECT id FROM change WHERE minor(new_value) = 10400")
    ada = member_scope(world)
    async with world.services.db.transaction(ada) as session:
        back = await roll_back_change(
            session, world.services.governance, UUID(str(change_id)), connection_id=world.channels["shop0"]
        )
    await world.work(settle=20.0)
    shown = await world.rows(
        "SELECT c.name, minor(v.value) FROM channel_value v JOIN connection c ON c.id = v.connection_id"
        " WHERE v.element = 'price.list' ORDER BY c.name"
    )
    assert shown == [("market1", 10_400), ("shop0", 10_000)]
    rows = await world.rows(
        "SELECT origin, author, state, minor(old_value), minor(new_value) FROM change WHERE id = :id", id=back
    )
    assert rows == [("rollback", ada.actor.id, "released", 10_400, 10_000)]


async def test_a_rollback_on_one_channel_leaves_what_is_approved_for_the_others(world: ClientEnv) -> None:
    await seed(world)
    await world.deliver(world.change("SKU-001", PRICE, 10_400))
    await world.work(settle=20.0)
    ((change_id,),) = await world.rows("SELECT id FROM change WHERE minor(new_value) = 10400")
    async with world.services.db.transaction(member_scope(world)) as session:
        back = await roll_back_change(
            session,
            world.services.governance,
            change_id,  # type: ignore[arg-type]
            connection_id=world.channels["shop0"],
        )
    await world.work(settle=20.0)
    shown = (
        "SELECT c.name, minor(v.value) FROM channel_value v JOIN connection c ON c.id = v.connection_id ORDER BY c.name"
    )
    assert await world.rows(shown) == [("market1", 10_400), ("shop0", 10_000)]
    assert await world.rows("SELECT minor(value) FROM record_value WHERE element = 'price.list'") == [(10_400,)]
    async with world.services.db.transaction(member_scope(world)) as session:
        await roll_back_change(session, world.services.governance, back)
    await world.work(settle=20.0)
    assert await world.rows(shown) == [("market1", 10_400), ("shop0", 10_400)]
    await world.deliver(world.change("SKU-001", PRICE, 10_000))
    await world.work(settle=20.0)
    assert await world.rows(shown) == [("market1", 10_000), ("shop0", 10_000)]


async def test_an_outage_of_three_of_five_channels_is_each_channels_own_state(
    services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> None:
    world = await build_client_env(services, relay_db, urls.intake, sandbox, channels=5)
    await seed(world)
    away = ["shop0", "shop2", "shop4"]
    for name in away:
        sandbox.break_(world.urls[name], Faults(outage=1.0))
    await world.deliver(world.change("SKU-001", PRICE, 10_100))
    await world.work(settle=0.6)
    states = await world.rows(
        "SELECT c.name, p.state FROM propagation p JOIN connection c ON c.id = p.connection_id"
        " WHERE minor(p.value) = 10100 ORDER BY c.name"
    )
    assert [(name, state) for name, state in states if name in away] == [(name, "pending") for name in away]
    assert [state for name, state in states if name not in away] == ["verified", "verified"]
    for name in away:
        sandbox.mend(world.urls[name])
    await world.work(until="SELECT bool_and(state = 'verified') FROM propagation")
    assert await world.rows("SELECT DISTINCT state FROM propagation") == [("verified",)]
    await world.close()


async def test_another_tenant_sees_nothing_of_it(world: ClientEnv, other_world: ClientEnv) -> None:
    await seed(world)
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
            await world.rows(f"SELECT count(*) FROM {table}"),
            await other_world.rows(f"SELECT count(*) FROM {table} WHERE tenant_id = :t", t=world.scope.tenant_id),
        )
        assert mine[0][0] > 0  # type: ignore[operator]
        assert theirs == [(0,)]


async def test_one_correlation_id_leads_from_the_webhook_to_the_read_back(world: ClientEnv) -> None:
    """Two webhooks in one batch: each keeps its own id on its event, its change and both of its audit entries."""
    await world.deliver(world.change("SKU-001", STOCK, 41))
    await world.deliver(world.change("SKU-002", STOCK, 42))
    await world.work(settle=20.0)
    rows = await world.rows("""
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


async def test_each_push_is_done_under_the_id_of_its_own_webhook(world: ClientEnv) -> None:
    """Also when one batch took both in."""
    services, scope = world.services, world.scope
    worker = LaneWorker(
        services.db, services.ready_queue, build_jobs(services), pool="shared", metrics=services.lane_metrics, lease=60
    )
    await world.deliver(world.change("SKU-001", STOCK, 41))
    await world.deliver(world.change("SKU-002", STOCK, 42))
    await worker.run_lane(scope.msp_id, scope.tenant_id, ingest_lane(world.erp))
    pushes = "SELECT w.correlation, c.correlation FROM job w JOIN change c ON c.id = w.ref WHERE w.kind = :kind"
    rows = await world.rows(pushes, kind=PUSH.name)
    assert len(rows) == 4
    assert len({of_work for of_work, _ in rows}) == 2
    assert [of_work for of_work, _ in rows] == [of_change for _, of_change in rows]
