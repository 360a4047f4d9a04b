"""Thresholds by the role of the person who proposes: at once, at a later time, on a rollback and in a replay."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from canonical.elements import PRICE
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Scope
from governance.changes.propose import propose_change
from governance.policies.drafts import put_rule
from governance.policies.form import read_fields, write_fields
from governance.policies.publish_draft import publish_draft
from governance.policies.queries import read_policy
from policy.errors import InvalidRule
from policy.rule_form import RuleForm, RuleOutcome
from policy.terms import Term, TermKind
from tests.governance.changes.test_propose import set_here
from tests.governance.policies.test_replay import differences, governance, member, replay
from tests.governance.proposals.test_schedule import TOMORROW, schedule, when_due
from tests.governance.test_main_job import seed
from tests.support.client_env import ClientEnv
from tests.support.values import at, minor

BY_SUPPORT = RuleForm(
    element=PRICE, outcome=RuleOutcome.REVIEW, terms=(Term(TermKind.PROPOSER_ROLE, "any_of", ("client_support",)),)
)
SKU = at("SKU-001", PRICE)


def with_roles(env: ClientEnv, *roles: str, of_creator: tuple[str, ...] = ()) -> Scope:
    scope = member(env)
    return replace(scope, actor=replace(scope.actor, roles=roles, creator_roles=of_creator))


async def draft(env: ClientEnv, scope: Scope) -> None:
    async with env.services.db.transaction(scope) as session:
        await put_rule(session, BY_SUPPORT, now=utc_now(), new_id=new_id)


async def publish(env: ClientEnv) -> None:
    await draft(env, member(env))
    async with env.services.db.transaction(member(env, "Grace")) as session:
        await publish_draft(session, governance(env), revision=1, now=utc_now())


async def propose(env: ClientEnv, scope: Scope, amount: int) -> str:
    async with env.services.db.transaction(scope) as session:
        change_id = await propose_change(session, governance(env), key=SKU, value=minor(amount))
        return str(await session.scalar(text("SELECT outcome FROM change WHERE id = :id"), {"id": change_id}))


async def test_a_proposal_is_decided_by_the_roles_of_its_author(env: ClientEnv) -> None:
    await seed(env)
    await set_here(env)
    await publish(env)
    assert await propose(env, with_roles(env, "client_finance"), 10_100) == "auto"
    assert await propose(env, with_roles(env, "client_finance", "client_support"), 10_150) == "review"
    assert await propose(env, with_roles(env, "machine", of_creator=("client_support",)), 10_160) == "review"
    assert await propose(env, env.scope, 10_170) == "auto"
    await schedule(env, with_roles(env, "client_support"), 10_180, after=TOMORROW)
    await when_due(env)
    assert await env.rows("SELECT outcome, author_roles FROM change ORDER BY id DESC LIMIT 1") == [
        ("review", ["client_support"])
    ]


async def test_a_replay_decides_by_the_recorded_roles(env: ClientEnv) -> None:
    await seed(env)
    await set_here(env)
    for role, amount in (("client_finance", 10_100), ("client_support", 10_200)):
        assert await propose(env, with_roles(env, role), amount) == "auto"
    drafting = member(env)
    await draft(env, drafting)
    found = await replay(env, drafting)
    listed = await differences(env, drafting, found.id)
    assert [(one.new, one.before, one.after) for one in listed] == [(minor(10_200), "auto", "review")]


async def test_the_rule_reads_as_a_sentence_and_names_roles_that_exist(env: ClientEnv) -> None:
    await publish(env)
    async with env.services.db.transaction(env.scope) as session:
        [rule] = [rule for rule in (await read_policy(session)).rules if rule.terms == BY_SUPPORT.terms]
        assert "proposed by someone with the role Support" in rule.sentence
        assert "r.ctx.by_client_support > 0" in rule.casbin
        unknown = replace_role("client_nobody")
        with pytest.raises(InvalidRule, match="client_nobody"):
            await put_rule(session, unknown, now=utc_now(), new_id=new_id)


def replace_role(role: str) -> RuleForm:
    return RuleForm(
        element=PRICE, outcome=RuleOutcome.REVIEW, terms=(Term(TermKind.PROPOSER_ROLE, "none_of", (role,)),)
    )


def test_the_form_ticks_roles() -> None:
    fields = write_fields(BY_SUPPORT)
    assert fields is not None
    assert fields["proposer_role_client_support"] == "on"
    assert read_fields(fields) == BY_SUPPORT
