"""A value proposed here goes the way of a source's: policy, a person who is not its author, the channels, the proof."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from canonical.elements import COST, PRICE, STOCK
from foundation.clock import utc_now
from foundation.errors import InvalidInput
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from governance.approvals.release import answer_change
from governance.changes.propose import propose_change
from governance.changes.redecide_job import redecide
from governance.changes.rollback import roll_back_change
from governance.elements.publish_contract import publish_contract
from governance.errors import NothingToChange, OwnedByItsSource
from policy.errors import OwnApproval
from policy.packaged import starter_rules
from policy.publishing import publish_rules
from tests.governance.test_main_job import approve_all, member_scope, seed
from tests.support.as_owner import delete_as_owner
from tests.support.client_env import ClientEnv
from tests.support.values import at, minor, pieces


async def set_here(world: ClientEnv, element: str = PRICE) -> None:
    async with world.services.db.transaction(world.scope) as session:
        await publish_contract(
            session, element=element, source_connection_id=None, owner="Pricing", now=utc_now(),
            propagation_slo=timedelta(seconds=30), correction_slo=timedelta(hours=4),
        )  # fmt: skip


async def propose(world: ClientEnv, scope: Scope, amount: int, *, element: str = PRICE, currency: str = "USD") -> UUID:
    async with world.services.db.transaction(scope) as session:
        return await propose_change(
            session,
            world.services.governance,
            key=at("SKU-001", element),
            value=minor(amount, currency) if currency else pieces(amount),
        )


async def test_a_small_change_reaches_the_channels_and_a_large_one_waits_for_someone_else(world: ClientEnv) -> None:
    await seed(world)
    await set_here(world)
    ada = member_scope(world)
    await propose(world, ada, 10_400)
    await world.work(settle=20.0)
    assert await world.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'") == [
        (10_400,)
    ]
    large = await propose(world, ada, 13_000)
    with pytest.raises(NothingToChange):
        await propose(world, ada, 13_000)
    with pytest.raises(OwnApproval):
        async with world.services.db.transaction(ada) as session:
            await answer_change(session, large, grant=True, reason="mine", now=utc_now())
    await approve_all(world)
    await world.work(settle=20.0)
    assert await world.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'") == [
        (13_000,)
    ]
    made = await world.rows("SELECT origin, author, state, minor(old_value) FROM change WHERE id = :id", id=large)
    assert made == [("proposal", ada.actor.id, "released", 10_400)]


def key_of(world: ClientEnv, maker: Scope) -> Scope:
    return replace(maker, actor=Actor("machine", str(new_id()), "Price tool", on_behalf_of=maker.actor.id))


async def grant(world: ClientEnv, scope: Scope, change: UUID) -> None:
    async with world.services.db.transaction(scope) as session:
        await answer_change(session, change, grant=True, reason="", now=utc_now())


async def test_what_a_key_proposes_its_maker_can_never_approve_also_when_it_is_asked_anew(world: ClientEnv) -> None:
    await seed(world)
    await set_here(world)
    ada = member_scope(world)
    change = await propose(world, key_of(world, ada), 13_000)
    with pytest.raises(OwnApproval, match="You created the API key"):
        await grant(world, ada, change)
    await grant(world, member_scope(world), change)
    async with world.services.db.transaction(world.scope) as session:
        await session.execute(
            text(
                "UPDATE record_value SET value = jsonb_set(value, '{amount}', '\"49.9\"') WHERE element = 'price.cost'"
            )
        )
    await world.work(settle=0.5)
    asked = "SELECT state, decided_by = :ada FROM approval WHERE author = :ada ORDER BY created_at"
    assert await world.rows(asked, ada=ada.actor.id) == [("withdrawn", False), ("pending", None)]
    with pytest.raises(OwnApproval, match="You created the API key"):
        await grant(world, ada, change)
    await grant(world, member_scope(world), change)
    await world.work(settle=20.0)
    assert await world.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'") == [
        (13_000,)
    ]


async def test_what_one_channel_waits_for_stays_its_makers_when_it_is_decided_again(world: ClientEnv) -> None:
    await seed(world)
    await set_here(world)
    ada, shop = member_scope(world), world.channels["shop0"]
    change = await propose(world, key_of(world, ada), 10_400)
    await world.work(settle=20.0)
    delete_as_owner(world, "record_value", "element = 'price.cost'")
    async with world.services.db.transaction(world.scope) as session:
        held = "UPDATE propagation SET state = 'stale_approval' WHERE change_id = :change AND connection_id = :shop"
        await session.execute(text(held), {"change": change, "shop": shop})
        await redecide(session, world.services.governance, [(change, shop)])
    ((again,),) = await world.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    with pytest.raises(OwnApproval, match="You created the API key"):
        await grant(world, ada, UUID(str(again)))


async def test_a_roll_back_by_a_key_is_its_makers_too(world: ClientEnv) -> None:
    await seed(world)
    await set_here(world)
    ada = member_scope(world)
    change = await propose(world, ada, 13_000)
    await grant(world, member_scope(world), change)
    await world.work(settle=20.0)
    rules = [rule for rule in starter_rules(str(world.scope.tenant_id)) if not rule.id.startswith("rollback-")]
    async with world.services.db.transaction(world.scope) as session:
        await publish_rules(session, world.scope, rules=rules, clock=utc_now, new_id=new_id)
    async with world.services.db.transaction(key_of(world, ada)) as session:
        back = await roll_back_change(session, world.services.governance, change)
    assert await world.rows("SELECT state, on_behalf_of FROM change WHERE id = :id", id=back) == [
        ("awaiting_approval", ada.actor.id)
    ]
    with pytest.raises(OwnApproval):
        await grant(world, ada, back)


async def test_policy_refuses_a_proposal_like_any_other_value(world: ClientEnv) -> None:
    await seed(world)
    await set_here(world)
    refused = await propose(world, member_scope(world), 4_900)
    assert await world.rows("SELECT state, rule_id FROM change WHERE id = :id", id=refused) == [
        ("refused", "price-below-cost")
    ]
    assert await world.rows("SELECT minor(value) FROM record_value WHERE element = 'price.list'") == [(10_000,)]


async def test_what_a_connected_system_owns_is_changed_there(world: ClientEnv) -> None:
    await seed(world)
    with pytest.raises(OwnedByItsSource):
        await propose(world, member_scope(world), 10_400)
    assert await world.rows("SELECT count(*) FROM change WHERE minor(new_value) = 10400") == [(0,)]


async def test_what_cannot_be_a_value_is_not_proposed(world: ClientEnv) -> None:
    await set_here(world)
    await set_here(world, STOCK)
    await set_here(world, COST)
    for wrong in (
        propose(world, member_scope(world), 1, element="title"),
        propose(world, member_scope(world), 1, currency=""),
        propose(world, member_scope(world), 1, element=STOCK),
        propose(world, member_scope(world), 1, currency="HRK"),
    ):
        with pytest.raises(InvalidInput):
            await wrong
    cost = await propose(world, member_scope(world), 500, element=COST)
    assert await world.rows("SELECT state FROM change WHERE id = :id", id=cost) == [("released",)]
    assert await world.rows("SELECT count(*) FROM propagation") == [(0,)]
