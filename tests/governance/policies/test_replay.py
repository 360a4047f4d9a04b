"""Replays of recorded changes: the published policy gives no differences, and a draft the outcomes it decides later."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from canonical.elements import COST, PRICE, STOCK
from foundation.clock import utc_now
from foundation.errors import NotFound
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from governance.approvals.release import answer_change
from governance.elements.repository import load_contracts
from governance.policies import replay_job
from governance.policies.drafts import put_rule, remove_rule
from governance.policies.lists import REPLAY_DIFFERENCES
from governance.policies.publish_draft import publish_draft
from governance.policies.queries import read_draft, read_replay
from governance.policies.replay import ReplayPolicies, replay_one
from governance.policies.replay_job import start_replay
from governance.policies.rows import RecordedChange
from governance.policies.schemas import ReplayView
from governance.records.repository import load_channels
from governance.records.values import row_reader
from governance.services import GovernanceServices
from policy.facts import value_facts
from policy.publishing import load_index
from policy.rule_form import RuleForm, RuleOutcome
from policy.terms import Term, TermKind
from tests.support.client_env import ClientEnv

STRICTER = RuleForm(
    element=PRICE, outcome=RuleOutcome.REVIEW, terms=(Term(TermKind.CHANGE_PERCENT, "more_than", ("2",)),)
)
RECORDED = ", ".join(f"c.{name}" for name in RecordedChange.__struct_fields__)
_PRICES = (10_000, 10_100, 10_400, 10_350, 10_900, 4_000, 11_000, 11_250)


def member(env: ClientEnv, name: str = "Ada") -> Scope:
    return Scope(env.scope.msp_id, env.scope.tenant_id, Actor("member", str(new_id()), name))


def governance(env: ClientEnv) -> GovernanceServices:
    return env.services.get(GovernanceServices)


async def record(env: ClientEnv, *, skus: int = 2) -> None:
    """Changes of every outcome: small and large, up and down, below cost; stock and costs."""
    for sku in (f"SKU-{number}" for number in range(skus)):
        await env.deliver(env.change(sku, COST, 5_000), env.change(sku, STOCK, 7))
        for price in _PRICES:
            await env.deliver(env.change(sku, PRICE, price))
            await env.work()
            await approve_all(env)
            await env.work()


async def approve_all(env: ClientEnv) -> None:
    async with env.services.db.transaction(member(env)) as session:
        waiting = await session.scalars(text("SELECT id FROM change WHERE state = 'awaiting_approval'"))
        for change_id in list(waiting):
            await answer_change(session, change_id, grant=True, reason="fine", now=utc_now())


async def replay(env: ClientEnv, scope: Scope, *, days: int = 7) -> ReplayView:
    async with env.services.db.transaction(scope) as session:
        replay_id = await start_replay(session, governance(env), days=days, now=utc_now() + timedelta(seconds=1))
    await env.work(until="SELECT bool_and(state <> 'running') FROM policy_replay")
    async with env.services.db.transaction(scope) as session:
        return await read_replay(session, replay_id)


async def differences(env: ClientEnv, scope: Scope, replay_id: UUID) -> list[Any]:
    async with env.services.db.transaction(scope) as session:
        query = REPLAY_DIFFERENCES.query(limit=200).inside({"replay_id": replay_id})
        return list((await REPLAY_DIFFERENCES.load(session, query, utc_now())).items)


async def test_replaying_the_published_policy_gives_the_recorded_outcomes(env: ClientEnv) -> None:
    await record(env)
    async with env.services.db.transaction(env.scope) as session:
        index = await load_index(session, env.scope)
        rows = await session.execute(text(f"SELECT {RECORDED} FROM change c"))
        changes = [row_reader(RecordedChange)(row) for row in rows]
    given = ReplayPolicies(index, index, *await _channels(env))
    assert {change.outcome for change in changes} == {"auto", "review", "refuse"}
    for change in changes:
        facts = value_facts(change.element, change.dimension, change.old_value, change.new_value, change.cost_value)
        assert replay_one(change, facts, index, given).outcome == change.outcome, change


async def _channels(env: ClientEnv) -> Any:
    async with env.services.db.transaction(env.scope) as session:
        return await load_contracts(session), await load_channels(session, governance(env).runtime.registry)


async def test_a_forecast_lists_exactly_the_differing_changes(env: ClientEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_job, "PAGE", 3)
    await record(env)
    drafting, publishing = member(env), member(env, "Grace")
    async with env.services.db.transaction(drafting) as session:
        await put_rule(session, STRICTER, now=utc_now(), new_id=new_id)
    found = await replay(env, drafting)
    assert (found.state, found.is_current, found.replayed) == ("done", True, found.total)
    listed = await differences(env, drafting, found.id)
    assert {(one.before, one.after) for one in listed} == {("auto", "review")}
    # Of each record, 10,100 to 10,400 (2.97 %) and 11,000 to 11,250 (2.27 %) are more than 2 % and no more than 5 %.
    assert len(listed) == found.differing == 4
    assert [(move.before, move.after, move.number) for move in found.moves] == [("auto", "review", 4)]
    assert sorted(one.new.amount for one in listed) == ["104", "104", "112.5", "112.5"]
    assert [(sum_.currency, sum_.amount) for sum_ in found.money] == [(listed[0].new.currency, "11")]
    async with env.services.db.transaction(publishing) as session:
        await publish_draft(session, governance(env), revision=1, now=utc_now())
    await env.deliver(env.change("SKU-0", PRICE, 11_500))
    await env.work(settle=5.0)
    newest = await env.rows("SELECT outcome FROM change ORDER BY id DESC LIMIT 1")
    assert newest == [("review",)]


async def test_a_draft_without_edits_changes_nothing(env: ClientEnv) -> None:
    await record(env, skus=1)
    scope = member(env)
    async with env.services.db.transaction(scope) as session:
        await put_rule(session, STRICTER, now=utc_now(), new_id=new_id)
        draft = await read_draft(session, scope.actor, may_publish=True)
        await remove_rule(session, draft.differences[0].rule_id, now=utc_now(), new_id=new_id)
    found = await replay(env, scope)
    assert found.replayed > 0
    assert (found.differing, found.published, found.moves) == (0, found.draft, [])


async def test_an_edit_stops_a_replay_of_the_draft_before(env: ClientEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    await record(env, skus=1)
    scope = member(env)
    async with env.services.db.transaction(scope) as session:
        await put_rule(session, STRICTER, now=utc_now(), new_id=new_id)
        replay_id = await start_replay(session, governance(env), days=1, now=utc_now())
        await remove_rule(session, "price-below-cost", now=utc_now(), new_id=new_id)
    await env.work(until="SELECT bool_and(state <> 'running') FROM policy_replay")
    async with env.services.db.transaction(scope) as session:
        found = await read_replay(session, replay_id)
    assert (found.state, found.is_current, found.replayed) == ("outdated", False, 0)


async def test_another_account_sees_no_replay_and_replays_its_own_changes_only(
    env: ClientEnv, other_env: ClientEnv
) -> None:
    await record(env, skus=1)
    scope, other = member(env), member(other_env)
    async with env.services.db.transaction(scope) as session:
        await put_rule(session, STRICTER, now=utc_now(), new_id=new_id)
    found = await replay(env, scope)
    async with other_env.services.db.transaction(other) as session:
        with pytest.raises(NotFound):
            await read_replay(session, found.id)
        with pytest.raises(NotFound):
            await start_replay(session, governance(other_env), days=1, now=utc_now())
        await put_rule(session, STRICTER, now=utc_now(), new_id=new_id)
    with pytest.raises(NotFound):
        await differences(other_env, other, found.id)
    assert (await replay(other_env, other)).replayed == 0
