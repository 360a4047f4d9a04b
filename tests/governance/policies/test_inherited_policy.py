"""Rules that an MSP publishes in its own account apply in its clients' accounts, and in no others."""

from dataclasses import replace
from typing import Any

import pytest

from canonical.elements import PRICE
from controlplane.provisioning import onboard_client
from foundation.clock import utc_now
from foundation.errors import InvalidInput, NotFound
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from governance.policies import drafts
from governance.policies.errors import LockedRule
from governance.policies.publish_draft import publish_draft
from governance.policies.queries import list_published, read_draft, read_policy
from governance.policies.schemas import PolicyView, RuleSource
from governance.services import GovernanceServices
from policy.rule_form import RuleForm, RuleOutcome
from policy.terms import Term, TermKind
from tests.support.client_env import ClientEnv

FORM = RuleForm(element=PRICE, outcome=RuleOutcome.REFUSE, terms=(Term(TermKind.CHANGE_PERCENT, "more_than", ("50",)),))


def as_member(scope: Scope, name: str) -> Scope:
    return Scope(scope.msp_id, scope.tenant_id, Actor("member", str(new_id()), name))


async def put(env: ClientEnv, scope: Scope, form: RuleForm = FORM, rule_id: str = "") -> str:
    """Draft and publish a rule; returns its id."""
    async with env.services.db.transaction(as_member(scope, "Ann")) as session:
        rule = await drafts.put_rule(session, form, rule_id=rule_id, now=utc_now(), new_id=new_id)
    await publish(env, scope)
    return rule.id


async def publish(env: ClientEnv, scope: Scope) -> None:
    async with env.services.db.transaction(as_member(scope, "Bob")) as session:
        draft = await read_draft(session, Actor("member", "x", "x"), may_publish=True)
        services = env.services.get(GovernanceServices)
        await publish_draft(session, services, revision=draft.revision, now=utc_now())


async def policy(env: ClientEnv, scope: Scope) -> PolicyView:
    async with env.services.db.transaction(scope) as session:
        return await read_policy(session)


async def find(env: ClientEnv, scope: Scope, rule_id: str) -> Any:
    return next((one for one in (await policy(env, scope)).rules if one.id == rule_id), None)


async def inherited(env: ClientEnv, form: RuleForm = FORM, rule_id: str = "") -> str:
    found = await put(env, env.msp_account, form, rule_id)
    await replace(env, scope=env.msp_account).work()
    return found


async def test_a_published_rule_reaches_every_client_of_the_msp_and_no_other(
    env: ClientEnv, other_env: ClientEnv
) -> None:
    rule_id = await inherited(env)
    found = await find(env, env.scope, rule_id)
    assert (found.source, found.locked) == (RuleSource.INHERITED, False)
    assert await find(other_env, other_env.scope, rule_id) is None
    async with env.services.db.transaction(env.scope) as session:
        newest = (await list_published(session))[0]
    assert (newest.inherits, [one.kind for one in newest.differences]) == (1, ["added"])
    slug = f"late-{new_id().hex[-8:]}"
    late = await onboard_client(env.services, env.msp_account, name="Late", slug=slug, currency="EUR")
    assert (await find(env, late, rule_id)).source == RuleSource.INHERITED


async def test_a_client_replaces_omits_and_inherits_a_rule_again(env: ClientEnv) -> None:
    rule_id = await inherited(env)
    await put(env, env.scope, RuleForm(element=PRICE, outcome=RuleOutcome.REVIEW, terms=FORM.terms), rule_id)
    changed = await find(env, env.scope, rule_id)
    assert (changed.source, changed.outcome) == (RuleSource.OVERRIDES, RuleOutcome.REVIEW)
    assert changed.inherited_sentence.endswith("is refused")
    member = as_member(env.scope, "Ann")
    async with env.services.db.transaction(member) as session:
        await drafts.remove_rule(session, rule_id, now=utc_now(), new_id=new_id)
    await publish(env, env.scope)
    left = await policy(env, env.scope)
    assert rule_id not in {one.id for one in left.rules}
    assert [one.id for one in left.omitted] == [rule_id]
    await inherited(env, RuleForm(element=PRICE, outcome=RuleOutcome.REFUSE), rule_id)
    assert await find(env, env.scope, rule_id) is None
    async with env.services.db.transaction(member) as session:
        await drafts.inherit_rule(session, rule_id, now=utc_now(), new_id=new_id)
    await publish(env, env.scope)
    again = await find(env, env.scope, rule_id)
    assert (again.source, again.conditions) == (RuleSource.INHERITED, "always")


async def test_a_locked_rule_cannot_be_replaced_or_removed_by_a_client(env: ClientEnv) -> None:
    rule_id = await inherited(env, RuleForm(element=PRICE, outcome=RuleOutcome.REFUSE, terms=FORM.terms, locked=True))
    async with env.services.db.transaction(as_member(env.scope, "Ann")) as session:
        with pytest.raises(LockedRule):
            await drafts.put_rule(session, FORM, rule_id=rule_id, now=utc_now(), new_id=new_id)
        with pytest.raises(LockedRule):
            await drafts.remove_rule(session, rule_id, now=utc_now(), new_id=new_id)
        locked = RuleForm(element=PRICE, outcome=RuleOutcome.AUTO, locked=True)
        with pytest.raises(InvalidInput, match="Only the MSP's own rules"):
            await drafts.put_rule(session, locked, now=utc_now(), new_id=new_id)
        with pytest.raises(NotFound):
            await drafts.inherit_rule(session, "price-below-cost", now=utc_now(), new_id=new_id)


async def test_an_earlier_version_of_the_client_keeps_what_the_msp_has_locked(env: ClientEnv) -> None:
    rule_id = await inherited(env, RuleForm(element=PRICE, outcome=RuleOutcome.REFUSE, terms=FORM.terms, locked=True))
    await put(env, env.scope, RuleForm(element=PRICE, outcome=RuleOutcome.REVIEW))
    async with env.services.db.transaction(as_member(env.scope, "Ann")) as session:
        await drafts.restore_version(session, 1, now=utc_now(), new_id=new_id)
    await publish(env, env.scope)
    assert (await find(env, env.scope, rule_id)).locked
    assert len((await policy(env, env.scope)).rules) > 1
