"""Rules that name approvers: a change waits until each of them has approved, and is withdrawn when one loses the
permission before the release.
"""

from dataclasses import replace
from uuid import UUID

import pytest

from canonical.elements import PRICE
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from governance.approvals.queries import read_approval
from governance.approvals.release import answer_change
from policy.approvers import Approvers
from policy.errors import NotAnApprover
from policy.publishing import publish_rules
from policy.rules import PolicyOutcome, PolicyRule, RuleKind
from tests.support.client_env import ClientEnv

FINANCE = PolicyRule("finance-decides", RuleKind.PERMISSION, "finance", "", "approval", "decide")
BY_FINANCE = PolicyRule(
    "two-of-finance", RuleKind.GOVERNANCE, "source", "", PRICE, PolicyOutcome.REVIEW, approver="finance", approvals=2
)


async def publish(env: ClientEnv, *rules: PolicyRule) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await publish_rules(session, env.scope, rules=[FINANCE, *rules], clock=utc_now, new_id=new_id)


def member(env: ClientEnv, name: str, *roles: str) -> Scope:
    return Scope(env.scope.msp_id, env.scope.tenant_id, Actor("member", str(new_id()), name, roles=roles))


async def waiting(env: ClientEnv, price: int = 1_234) -> UUID:
    await env.deliver(env.change("SKU-001", PRICE, price))
    await env.work(until="SELECT count(*) > 0 FROM change WHERE state = 'awaiting_approval'")
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    assert isinstance(change_id, UUID)
    return change_id


async def approve(env: ClientEnv, scope: Scope, change_id: UUID) -> None:
    async with env.services.db.transaction(scope) as session:
        await answer_change(session, change_id, grant=True, reason="", now=utc_now())


async def test_the_value_is_sent_after_the_second_approval_only(env: ClientEnv) -> None:
    await publish(env, BY_FINANCE)
    change_id = await waiting(env)
    with pytest.raises(NotAnApprover):
        await approve(env, member(env, "Sue", "client_approver"), change_id)
    await approve(env, member(env, "Ann", "finance"), change_id)
    await env.work()
    assert await env.rows("SELECT state, decided_at FROM change") == [("awaiting_approval", None)]
    async with env.services.db.transaction(env.scope) as session:
        detail = await read_approval(session, change_id)
    assert [(one.role, one.label, one.number, one.given) for one in detail.approval.approvers] == [
        ("finance", "Finance", 2, 1)
    ]
    assert len(detail.votes) == 1
    await approve(env, member(env, "Bob", "finance"), change_id)
    await env.work(until="SELECT count(*) = 2 FROM propagation WHERE state = 'verified'")
    assert await env.rows("SELECT state FROM change") == [("released",)]


async def test_a_newer_value_needs_all_approvals_again(env: ClientEnv) -> None:
    await publish(env, BY_FINANCE)
    await approve(env, member(env, "Ann", "finance"), await waiting(env))
    newer = await waiting(env, 1_300)
    await approve(env, member(env, "Bob", "finance"), newer)
    await env.work()
    assert await env.rows("SELECT state FROM change WHERE state <> 'superseded'") == [("awaiting_approval",)]


async def test_one_request_for_several_channels_needs_the_approvers_of_each(env: ClientEnv) -> None:
    market = replace(BY_FINANCE, id="market", condition="r.ctx.channel_kind == 'sandbox-market'", approvals=1)
    shop = replace(BY_FINANCE, id="shop", condition="r.ctx.channel_kind == 'sandbox-shop'", approver="client_approver")
    await publish(env, market, shop)
    await waiting(env)
    [(needed,)] = await env.rows("SELECT approvers FROM approval")
    assert needed == [{"role": "client_approver", "number": 2}, {"role": "finance", "number": 1}]
    assert Approvers("finance", 1) < Approvers("finance", 2)
