"""Publishing of a tenant's policy. Every change is validated by compiling it, has an author and a diff, and is
numbered.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.clock import Clock
from foundation.ids import NewId
from foundation.marks import N_
from foundation.scope import Scope
from policy.audit_actions import PolicyAction
from policy.errors import InvalidRule, RoleNotAssignable
from policy.index import PolicyIndex, approver_roles, check_rule, compile_rules, may_approve
from policy.packaged import CLIENT_ROLES, MSP_ROLES, SYSTEM_ROLES, system_rules
from policy.repository import (
    PolicyState,
    delete_role_rule,
    fetch_policy,
    insert_rules,
    insert_version,
    lock_policy,
    replace_lines,
)
from policy.role_labels import write_roles
from policy.role_repository import list_roles, rules_of_roles
from policy.rules import ANY_TENANT, Effect, PolicyRule, RuleKind, role_rule, rule_fields

MAX_RULES: Final = 20_000


async def load_index(
    session: AsyncSession, scope: Scope, *, packaged: Sequence[PolicyRule] | None = None
) -> PolicyIndex:
    """The tenant's current policy, with the packaged rules. `PolicyCache` avoids compiling it again."""
    state, rules = await fetch_policy(session, scope)
    # Read after the stamp: an index may be newer than its stamp, never older.
    roles = await list_roles(session)
    packaged = system_rules() if packaged is None else packaged
    return compile_rules(
        [*packaged, *rules, *rules_of_roles(roles)],
        tenant_id=str(scope.tenant_id),
        version=state.version,
        stamp=state.stamp,
        role_names={role.id: role.name for role in roles},
    )


async def publish_rules(  # noqa: PLR0913 - keyword-only
    session: AsyncSession,
    scope: Scope,
    *,
    rules: Sequence[PolicyRule],
    clock: Clock,
    new_id: NewId,
    packaged: Sequence[PolicyRule] | None = None,
    inherits: int | None = None,
) -> int:
    """Replace the tenant's permission and governance rules by `rules`, in this order; role assignments are unchanged.

    Returns the version now in force; the old one if nothing changes. The rules' domain is set to this tenant.
    `packaged` are the rules of every account, by default those of `policy.packaged`; `inherits` is the version of the
    MSP's policy that this publication copies to a client.

    Raises:
        InvalidRule: names the first invalid rule and the reason.
    """
    own = [replace(rule, dom=str(scope.tenant_id)) for rule in rules]
    _check_set(own)
    packaged = system_rules() if packaged is None else packaged
    if scope.tenant_id != scope.msp_id:
        _check_no_escalation(own, packaged)
    await lock_policy(session, scope)
    state, known = await fetch_policy(session, scope)
    before = [rule for rule in known if rule.ptype is not RuleKind.ROLE]
    if before == own:
        return state.version
    await _check_compiled(session, scope, own, packaged)
    await replace_lines(session, scope, rules=own)
    after = PolicyState(new_id(), state.serial + 1, state.version + 1)
    diff, now = _diff(before, own), clock()
    if inherits is not None:
        diff["inherits"] = inherits
    await insert_version(session, scope, state=after, diff=diff, created_at=now)
    append_audit(session, action=PolicyAction.POLICY_PUBLISHED, subject=f"policy:{after.version}", data=diff, at=now)
    return after.version


async def assign_role(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, scope: Scope, *, member_id: UUID | str, role: str, clock: Clock, new_id: NewId
) -> None:
    """Assign `role` in the scope's tenant. Idempotent.

    Raises:
        RoleNotAssignable: an MSP's role outside its MSP account, a client's role inside it, or an unknown role.
    """
    await lock_policy(session, scope)
    state, known = await fetch_policy(session, scope)
    _check_assignable(scope, role, known, {one.id for one in await list_roles(session)})
    rule = _assignment(scope, member_id, role)
    if any(other.id == rule.id for other in known):
        return
    await insert_rules(session, scope, rules=[rule])
    await _record_roles(session, scope, state, {"given": {str(member_id): role}}, clock, new_id)


async def revoke_role(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, scope: Scope, *, member_id: UUID | str, role: str, clock: Clock, new_id: NewId
) -> None:
    """Revoke `role` in the scope's tenant. Effective with the next transaction in every process."""
    await lock_policy(session, scope)
    state, known = await fetch_policy(session, scope)
    rule = _assignment(scope, member_id, role)
    if all(other.id != rule.id for other in known):
        return
    await delete_role_rule(session, scope, rule_id=rule.id)
    await _record_roles(session, scope, state, {"taken": {str(member_id): role}}, clock, new_id)


async def list_assignments(session: AsyncSession, scope: Scope) -> dict[str, set[str]]:
    """Roles assigned in the scope's tenant, by user; inherited ones are not listed."""
    _, known = await fetch_policy(session, scope)
    by_user: dict[str, set[str]] = {}
    for rule in known:
        if rule.ptype is RuleKind.ROLE:
            by_user.setdefault(rule.sub, set()).add(rule.obj)
    return by_user


def _assignment(scope: Scope, member_id: UUID | str, role: str) -> PolicyRule:
    return role_rule(id=f"role:{member_id}:{role}", member=str(member_id), role=role, dom=str(scope.tenant_id))


async def _record_roles(  # noqa: PLR0913, PLR0917 - one step of two use cases, not an interface
    session: AsyncSession, scope: Scope, state: PolicyState, diff: dict[str, Any], clock: Clock, new_id: NewId
) -> None:
    # The rules' version is unchanged: role assignments do not change the approved content.
    after = PolicyState(new_id(), state.serial + 1, state.version)
    now = clock()
    await insert_version(session, scope, state=after, diff=diff, created_at=now)
    append_audit(session, action=PolicyAction.POLICY_ROLES_CHANGED, subject=f"policy:{after.serial}", data=diff, at=now)


def _check_set(rules: Sequence[PolicyRule]) -> None:
    if len(rules) > MAX_RULES:
        raise InvalidRule(
            N_("A policy has at most {most} rules; this one has {number}."),
            params={"most": MAX_RULES, "number": len(rules)},
        )
    for rule_id, count in Counter(rule.id for rule in rules).items():
        if count > 1:
            raise InvalidRule(
                N_("{count} rules have the id “{rule}”. Give each its own."), params={"count": count, "rule": rule_id}
            )
    for rule in rules:
        if rule.ptype is RuleKind.ROLE or rule.id.startswith("role:"):
            raise InvalidRule(
                N_("The rule “{rule}” assigns a role. Assign roles to members instead of publishing them."),
                params={"rule": rule.id},
            )
        if rule.ptype is not RuleKind.OMITTED:
            check_rule(rule)


def _check_no_escalation(rules: Iterable[PolicyRule], packaged: Iterable[PolicyRule]) -> None:
    """Refuse rules in a client's account that allow permissions reserved to an MSP."""
    open_to_clients = {
        (rule.obj, rule.act) for rule in packaged if rule.ptype is RuleKind.PERMISSION and rule.sub in CLIENT_ROLES
    }
    for rule in rules:
        allows = rule.ptype is RuleKind.PERMISSION and rule.effect is Effect.ALLOW
        if allows and (rule.obj, rule.act) not in open_to_clients:
            raise InvalidRule(
                N_("The rule “{rule}” allows “{act}” on “{object}”, which cannot be allowed in this account."),
                params={"rule": rule.id, "act": rule.act, "object": rule.obj},
            )


def _check_assignable(scope: Scope, role: str, known: Iterable[PolicyRule], made: Collection[str]) -> None:
    """Check that the role can be assigned here. `made` are the ids of the account's own roles."""
    own = set(made) | {rule.sub for rule in known if rule.ptype is RuleKind.PERMISSION} - SYSTEM_ROLES
    here = (MSP_ROLES if scope.tenant_id == scope.msp_id else CLIENT_ROLES) | own
    if role not in here or role == ANY_TENANT:
        raise RoleNotAssignable(
            N_("The role “{role}” cannot be assigned in this account. Choose one of: {known}."),
            params={"role": role, "known": ", ".join(sorted(here))},
        )


async def _check_compiled(
    session: AsyncSession, scope: Scope, own: Sequence[PolicyRule], packaged: Sequence[PolicyRule]
) -> None:
    """Compile the rules, once, and refuse a role of approvers that cannot answer approvals: nobody could ever approve
    such a change. An MSP's rules apply in its clients' accounts, where only the packaged roles are sure to exist.
    """
    named = {rule.approver: rule.id for rule in own if rule.approver and not rule.inherited}
    in_client = scope.tenant_id != scope.msp_id
    others = [*packaged, *rules_of_roles(await list_roles(session))] if named and in_client else []
    index = compile_rules([*others, *own], tenant_id=str(scope.tenant_id), version=0)
    for role, rule_id in named.items():
        approves = may_approve(index, role) if in_client else role in _packaged_approvers(tuple(packaged))
        if not approves:
            raise InvalidRule(
                N_("The rule “{rule}” needs approval by “{role}”, a role that cannot answer approvals."),
                params={"rule": rule_id, "role": await write_roles(session, [role])},
            )


@lru_cache(maxsize=4)
def _packaged_approvers(packaged: tuple[PolicyRule, ...]) -> frozenset[str]:
    return frozenset(approver_roles(compile_rules(packaged, tenant_id=ANY_TENANT, version=0)))


def _diff(before: Sequence[PolicyRule], after: Sequence[PolicyRule]) -> dict[str, Any]:
    old, new = ({rule.id: rule_fields(rule) for rule in rules} for rules in (before, after))
    return {
        "added": {key: new[key] for key in new.keys() - old.keys()},
        "removed": {key: old[key] for key in old.keys() - new.keys()},
        "changed": {key: [old[key], new[key]] for key in new.keys() & old.keys() if old[key] != new[key]},
        "reordered": [key for key in old if key in new] != [key for key in new if key in old],
    }
