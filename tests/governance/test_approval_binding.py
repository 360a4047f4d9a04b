"""First Q4: an approval is for one exact content. Anything else is refused, re-routed, and said."""

from uuid import UUID

import pytest
from sqlalchemy import text

from canonical.elements import COST, PRICE
from foundation.clock import utc_now
from foundation.errors import NotFound
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from governance.errors import NotAwaiting
from governance.expiry import expire_waiting
from governance.release import answer_change, release_changes
from policy.errors import OwnApproval
from policy.packaged import starter_rules
from policy.publishing import publish_rules
from policy.redeeming import Verdict, redeem_approvals
from tests.support.world import World

SKU = "SKU-001"


def person(world: World, actor_id: str = "") -> Scope:
    return Scope(world.scope.msp_id, world.scope.tenant_id, Actor("person", actor_id or str(new_id()), "Ada"))


async def waiting(world: World, amount: int = 10_000) -> UUID:
    """A first price, which always needs a person."""
    await world.deliver(world.change(SKU, COST, 5_000), world.change(SKU, PRICE, amount))
    await world.work()
    rows = await world.rows("SELECT id FROM change WHERE state = 'awaiting'")
    assert len(rows) == 1
    return UUID(str(rows[0][0]))


async def answer(world: World, change_id: UUID, *, grant: bool = True, actor_id: str = "") -> None:
    async with world.services.db.transaction(person(world, actor_id)) as session:
        await answer_change(session, change_id, grant=grant, reason="looked at it", now=utc_now())


async def approved(world: World) -> UUID:
    """A change that waits for the worker to carry it out."""
    change_id = await waiting(world)
    await answer(world, change_id)
    return change_id


async def meanwhile(world: World, sql: str) -> None:
    """Something else changes before the worker comes to it."""
    async with world.services.db.transaction(world.scope) as session:
        await session.execute(text(sql))
    await world.work(settle=0.5)


async def pushed(world: World) -> int:
    rows = await world.rows("SELECT count(*) FROM propagation WHERE state IN ('accepted', 'verified')")
    return int(str(rows[0][0]))


async def test_the_source_changes_between_approval_and_execution(world: World) -> None:
    """The approved value is not sent; the newer one has its own decision and its own approval."""
    await approved(world)
    await meanwhile(world, "UPDATE record_value SET source_amount = 11000, source_version = source_version + 1")
    assert await pushed(world) == 0
    assert await world.rows("SELECT code FROM governance_exception") == [("approval.stale",)]
    states = await world.rows("SELECT state, count(*) FROM approval GROUP BY state ORDER BY state")
    assert states == [("pending", 1), ("withdrawn", 1)]


async def test_the_cost_it_was_judged_on_changes_before_execution(world: World) -> None:
    await approved(world)
    await meanwhile(world, "UPDATE record_value SET amount = 9990 WHERE element = 'price.cost'")
    assert await pushed(world) == 0


async def test_the_policy_changes_before_execution(world: World) -> None:
    change_id = await approved(world)
    rules = [rule for rule in starter_rules(str(world.scope.tenant_id)) if rule.id != "stock-negative"]
    async with world.services.db.transaction(world.scope) as session:
        await publish_rules(session, world.scope, rules=rules, clock=utc_now, new_id=new_id)
    await world.work(settle=0.5)
    assert await pushed(world) == 0, "it was approved under another policy"
    rows = await world.rows("SELECT state, policy_version FROM change WHERE id = :id", id=change_id)
    assert rows[0][0] == "awaiting"


async def test_a_new_channel_since_the_approval_is_another_target(world: World) -> None:
    await approved(world)
    await meanwhile(world, "UPDATE connection SET state = 'paused' WHERE name = 'shop0'")
    assert await pushed(world) == 0


async def test_an_approval_cannot_be_replayed_on_other_content(world: World) -> None:
    change_id = await approved(world)
    ((approval_id,),) = await world.rows("SELECT id FROM approval")
    approval = UUID(str(approval_id))
    async with world.services.db.transaction(world.scope) as session:
        now = utc_now()
        other = await redeem_approvals(session, world.scope, content_hashes={approval: bytes(32)}, now=now)
    assert other == {approval: Verdict.MISMATCH}
    await world.work(settle=1.0)
    assert await pushed(world) == 2
    async with world.services.db.transaction(world.scope) as session:
        await session.execute(text("UPDATE change SET state = 'awaiting'"))
        await release_changes(session, world.services.governance, [change_id])
    states = await world.rows("SELECT state FROM approval ORDER BY created_at")
    assert states[0] == ("used",), "used once, never again"
    assert await world.rows("SELECT state FROM change") == [("awaiting",)]


async def test_the_author_cannot_approve(world: World) -> None:
    change_id = await waiting(world)
    with pytest.raises(OwnApproval):
        await answer(world, change_id, actor_id=f"connection:{world.erp}")


async def test_an_answer_counts_once(world: World) -> None:
    change_id = await waiting(world)
    await answer(world, change_id, grant=False)
    with pytest.raises(NotAwaiting):
        await answer(world, change_id)
    await world.work(settle=0.3)
    assert await pushed(world) == 0


async def test_a_newer_value_withdraws_the_open_approval(world: World) -> None:
    first = await waiting(world)
    await world.deliver(world.change(SKU, PRICE, 12_000))
    await world.work()
    rows = await world.rows("SELECT id, state FROM change ORDER BY proposed_at")
    assert [state for _, state in rows] == ["superseded", "awaiting"]
    with pytest.raises(NotAwaiting):
        await answer(world, first)


async def test_nobody_answers_in_time(world: World) -> None:
    await waiting(world)
    async with world.services.db.transaction(world.scope) as session:
        await session.execute(text("UPDATE approval SET expires_at = now() - interval '1 second'"))
        await session.execute(text("UPDATE timer SET due_at = now() WHERE name = 'governance.expire_approvals'"))
    await world.work()
    assert await world.rows("SELECT state FROM change") == [("expired",)]
    assert await world.rows("SELECT code FROM governance_exception") == [("approval.expired",)]


async def test_an_approval_that_was_given_but_not_carried_out_in_time_says_so(world: World) -> None:
    await answer(world, await waiting(world))
    async with world.services.db.transaction(world.scope) as session:
        await session.execute(text("UPDATE approval SET expires_at = now() - interval '1 second'"))
        await expire_waiting(session, world.services.governance)
    assert await world.rows("SELECT state FROM change") == [("expired",)]
    ((title, detail),) = await world.rows("SELECT title, detail FROM governance_exception")
    assert title == "An approval was not carried out in time"
    assert "was approved" in str(detail)


async def test_another_tenant_cannot_answer(world: World, other_world: World) -> None:
    change_id = await waiting(world)
    with pytest.raises(NotFound):
        await answer(other_world, change_id)
