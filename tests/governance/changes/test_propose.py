"""Proposals take the path of a source's values: policy, approval by another member, the channels, the read-back."""

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
from tenants.auth.api_keys import NewApiKey, create_api_key
from tenants.secrets import new_secret
from tests.governance.test_main_job import approve_all, member_scope, seed
from tests.support.as_owner import delete_as_owner
from tests.support.client_env import ClientEnv
from tests.support.values import at, minor, pieces


async def set_here(env: ClientEnv, element: str = PRICE) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await publish_contract(
            session, element=element, source_connection_id=None, owner="Pricing", now=utc_now(),
            propagation_slo=timedelta(seconds=30), correction_slo=timedelta(hours=4),
        )  # fmt: skip


async def propose(env: ClientEnv, scope: Scope, amount: int, *, element: str = PRICE, currency: str = "USD") -> UUID:
    async with env.services.db.transaction(scope) as session:
        return await propose_change(
            session,
            env.services.governance,
            key=at("SKU-001", element),
            value=minor(amount, currency) if currency else pieces(amount),
        )


async def test_a_small_change_reaches_the_channels_and_a_large_one_waits_for_someone_else(env: ClientEnv) -> None:
    await seed(env)
    await set_here(env)
    ada = member_scope(env)
    await propose(env, ada, 10_400)
    await env.work(settle=20.0)
    assert await env.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'") == [(10_400,)]
    large = await propose(env, ada, 13_000)
    with pytest.raises(NothingToChange):
        await propose(env, ada, 13_000)
    with pytest.raises(OwnApproval):
        async with env.services.db.transaction(ada) as session:
            await answer_change(session, large, grant=True, reason="mine", now=utc_now())
    await approve_all(env)
    await env.work(settle=20.0)
    assert await env.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'") == [(13_000,)]
    made = await env.rows("SELECT origin, author, state, minor(old_value) FROM change WHERE id = :id", id=large)
    assert made == [("proposal", ada.actor.id, "released", 10_400)]


def key_of(env: ClientEnv, maker: Scope) -> Scope:
    return replace(maker, actor=Actor("machine", str(new_id()), "Price tool", on_behalf_of=maker.actor.id))


async def grant(env: ClientEnv, scope: Scope, change: UUID) -> None:
    async with env.services.db.transaction(scope) as session:
        await answer_change(session, change, grant=True, reason="", now=utc_now())


async def test_a_keys_author_cannot_approve_its_proposals_even_when_reissued(env: ClientEnv) -> None:
    await seed(env)
    await set_here(env)
    ada = member_scope(env)
    change = await propose(env, key_of(env, ada), 13_000)
    with pytest.raises(OwnApproval, match="You created the API key"):
        await grant(env, ada, change)
    await grant(env, member_scope(env), change)
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text(
                "UPDATE record_value SET value = jsonb_set(value, '{amount}', '\"49.9\"') WHERE element = 'price.cost'"
            )
        )
    await env.work(settle=0.5)
    asked = "SELECT state, decided_by = :ada FROM approval WHERE author = :ada ORDER BY created_at"
    assert await env.rows(asked, ada=ada.actor.id) == [("withdrawn", False), ("pending", None)]
    with pytest.raises(OwnApproval, match="You created the API key"):
        await grant(env, ada, change)
    await grant(env, member_scope(env), change)
    await env.work(settle=20.0)
    assert await env.rows("SELECT DISTINCT minor(value) FROM channel_value WHERE element = 'price.list'") == [(13_000,)]


async def test_a_keys_creator_cannot_approve_what_it_proposed_before_the_creator_was_confirmed(env: ClientEnv) -> None:
    await seed(env)
    await set_here(env)
    ada, inviter = member_scope(env), member_scope(env)
    unconfirmed = replace(ada, actor=replace(ada.actor, counts_as=inviter.actor.id))
    async with env.services.db.transaction(unconfirmed) as session:
        key, _ = await create_api_key(session, new_secret, NewApiKey(new_id(), "Price tool"), now=utc_now())
    by_key = Actor("machine", str(key.id), "Price tool", on_behalf_of=ada.actor.id, counts_as=inviter.actor.id)
    change = await propose(env, replace(ada, actor=by_key), 13_000)
    for own in (unconfirmed, inviter, ada):
        with pytest.raises(OwnApproval):
            await grant(env, own, change)
    await grant(env, member_scope(env), change)


async def test_a_redecided_change_keeps_its_author(env: ClientEnv) -> None:
    await seed(env)
    await set_here(env)
    ada, shop = member_scope(env), env.channels["shop0"]
    change = await propose(env, key_of(env, ada), 10_400)
    await env.work(settle=20.0)
    delete_as_owner(env, "record_value", "element = 'price.cost'")
    async with env.services.db.transaction(env.scope) as session:
        held = "UPDATE propagation SET state = 'stale_approval' WHERE change_id = :change AND connection_id = :shop"
        await session.execute(text(held), {"change": change, "shop": shop})
        await redecide(session, env.services.governance, [(change, shop)])
    ((again,),) = await env.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    with pytest.raises(OwnApproval, match="You created the API key"):
        await grant(env, ada, UUID(str(again)))


async def test_a_rollback_by_a_key_counts_as_its_creators_too(env: ClientEnv) -> None:
    await seed(env)
    await set_here(env)
    ada = member_scope(env)
    change = await propose(env, ada, 13_000)
    await grant(env, member_scope(env), change)
    await env.work(settle=20.0)
    rules = [rule for rule in starter_rules(str(env.scope.tenant_id)) if not rule.id.startswith("rollback-")]
    async with env.services.db.transaction(env.scope) as session:
        await publish_rules(session, env.scope, rules=rules, clock=utc_now, new_id=new_id)
    async with env.services.db.transaction(key_of(env, ada)) as session:
        back = await roll_back_change(session, env.services.governance, change)
    assert await env.rows("SELECT state, on_behalf_of FROM change WHERE id = :id", id=back) == [
        ("awaiting_approval", ada.actor.id)
    ]
    with pytest.raises(OwnApproval):
        await grant(env, ada, back)


async def test_policy_refuses_a_proposal_like_any_other_value(env: ClientEnv) -> None:
    await seed(env)
    await set_here(env)
    refused = await propose(env, member_scope(env), 4_900)
    assert await env.rows("SELECT state, rule_id FROM change WHERE id = :id", id=refused) == [
        ("refused", "price-below-cost")
    ]
    assert await env.rows("SELECT minor(value) FROM record_value WHERE element = 'price.list'") == [(10_000,)]


async def test_values_owned_by_a_system_cannot_be_proposed(env: ClientEnv) -> None:
    await seed(env)
    with pytest.raises(OwnedByItsSource):
        await propose(env, member_scope(env), 10_400)
    assert await env.rows("SELECT count(*) FROM change WHERE minor(new_value) = 10400") == [(0,)]


async def test_invalid_values_cannot_be_proposed(env: ClientEnv) -> None:
    await set_here(env)
    await set_here(env, STOCK)
    await set_here(env, COST)
    for wrong in (
        propose(env, member_scope(env), 1, element="title"),
        propose(env, member_scope(env), 1, currency=""),
        propose(env, member_scope(env), 1, element=STOCK),
        propose(env, member_scope(env), 1, currency="HRK"),
    ):
        with pytest.raises(InvalidInput):
            await wrong
    cost = await propose(env, member_scope(env), 500, element=COST)
    assert await env.rows("SELECT state FROM change WHERE id = :id", id=cost) == [("released",)]
    assert await env.rows("SELECT count(*) FROM propagation") == [(0,)]
