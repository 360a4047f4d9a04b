"""Compiled rules of one tenant: Casbin's answers in about a microsecond, regardless of the number of rules.

`(obj, act)` maps to the rules by subject; roles are sets, closed transitively; conditions are compiled. Equality with
pycasbin, including the rule that explains the answer, is a property test (tests/policy/test_oracle.py).

Casbin explains an answer by the first deny that matches, else by the last allow. Ranks put rules in that order, so the
lowest rank among the matches is the explanation and, by its effect, the answer.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from foundation.i18n.messages import StoredMessage
from foundation.marks import N_
from policy.approvers import MOST_APPROVALS, Approvers, combine_approvers
from policy.conditions import Condition, Facts, Test, compile_condition, parse_condition
from policy.errors import InvalidRule
from policy.facts import explain_missing
from policy.messages import NO_RULE
from policy.reasons import reason_of
from policy.rules import ANY_TENANT, ANYONE, Effect, PolicyOutcome, PolicyRule, RuleKind, shows_values

Subjects = str | tuple[str, ...]
"""A user, role or machine, or several that act as one (a user and the roles of its session)."""

MAX_ROLE_DEPTH: Final = 9
"""Links from a subject to a role that pycasbin follows (its role managers are created with a hierarchy level of 10)."""


class Decision(msgspec.Struct, frozen=True, gc=False):
    """Policy decision on a change. `rule_id` is empty when no rule matched; the outcome is then a review.

    `approvers` are those of all rules that require this review, not only of the one that explains it; empty when one
    approval by any approver is enough.
    """

    outcome: PolicyOutcome
    rule_id: str
    reason: StoredMessage
    policy_version: int
    approvers: tuple[Approvers, ...] = ()


class PermissionAnswer(msgspec.Struct, frozen=True, gc=False):
    """Answer to a permission check. `rule_id` is the rule that allowed or denied; empty when no rule matched, which
    refuses.
    """

    allowed: bool
    rule_id: str


class _Candidate(NamedTuple):
    """A rule in the order of ranks: refusals before reviews before automatic ones; within each, the explaining rule
    first.
    """

    rank: int
    act: str
    allows: bool
    test: Test | None
    decision: Decision
    answer: PermissionAnswer
    gaps: Condition | None  # only of a rule that also matches when its condition cannot be evaluated
    approvers: Approvers | None  # only of a rule that allows a review


_Bucket = Mapping[str, tuple[_Candidate, ...]]
"""Candidates by subject."""

_EVALUATED: Final = {RuleKind.PERMISSION, RuleKind.GOVERNANCE}
_OUTCOMES: Final = tuple(PolicyOutcome)
_REVIEW: Final = PolicyOutcome.REVIEW.value
_NO_FACTS: Facts = {}
_REFUSED = PermissionAnswer(allowed=False, rule_id="")


@dataclass(frozen=True, slots=True)
class PolicyIndex:
    """Compiled policy. `stamp` identifies the published policy; None when the tenant never published one."""

    tenant_id: str
    version: int
    stamp: UUID | None
    roles: Mapping[str, tuple[str, ...]]
    permissions: Mapping[tuple[str, str], _Bucket]
    elements: Mapping[str, _Bucket]
    facts: Mapping[str, frozenset[str]]
    """Names of the facts that the rules of an element use."""
    unmatched: Decision
    role_names: Mapping[str, str] = field(default_factory=dict)
    """Names of the account's own roles, by id."""
    shown: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Roles that see the values of an element, by element; values of other elements are visible to all."""


def compile_rules(
    rules: Iterable[PolicyRule],
    *,
    tenant_id: str,
    version: int,
    stamp: UUID | None = None,
    role_names: Mapping[str, str] | None = None,
) -> PolicyIndex:
    """Compile the rules of `tenant_id` and the packaged ones; rules of other tenants are left out.

    Raises:
        InvalidRule: a rule is malformed.
    """
    own = [rule for rule in rules if rule.dom in (tenant_id, ANY_TENANT)]
    lines = [rule for rule in own if rule.ptype in _EVALUATED]
    permissions: dict[tuple[str, str], dict[str, list[_Candidate]]] = defaultdict(lambda: defaultdict(list))
    elements: dict[str, dict[str, list[_Candidate]]] = defaultdict(lambda: defaultdict(list))
    facts: dict[str, set[str]] = defaultdict(set)
    shown: dict[str, set[str]] = defaultdict(set)
    for position, rule in enumerate(lines):
        check_rule(rule)
        if shows_values(rule):
            shown[rule.obj].add(rule.sub)
            continue
        bucket = elements[rule.obj] if rule.ptype is RuleKind.GOVERNANCE else permissions[rule.obj, rule.act]
        bucket[rule.sub].append(_candidate(rule, position, len(lines), version, role_names))
        if rule.ptype is RuleKind.GOVERNANCE:
            facts[rule.obj].update(name for name, _ in parse_condition(rule.condition).facts)
    return PolicyIndex(
        tenant_id=tenant_id,
        version=version,
        stamp=stamp,
        roles=_close_roles(rule for rule in own if rule.ptype is RuleKind.ROLE),
        permissions={key: _sorted(bucket) for key, bucket in permissions.items()},
        elements={element: _sorted(bucket) for element, bucket in elements.items()},
        facts={element: frozenset(names) for element, names in facts.items()},
        unmatched=Decision(PolicyOutcome.REVIEW, "", NO_RULE, version),
        role_names=role_names or {},
        shown={element: frozenset(roles) for element, roles in shown.items()},
    )


def decide(index: PolicyIndex, subjects: Subjects, element: str, ctx: Facts) -> Decision:
    """Outcome of a change of `element` proposed by `subjects`. Never automatic unless a rule allows it."""
    bucket = index.elements.get(element)
    if bucket is None:
        return index.unmatched
    denied = ""
    candidates = _candidates(bucket, _names(index, subjects), bucket.get(ANYONE, ()))
    for place, candidate in enumerate(candidates):
        if candidate.act != denied and (candidate.test is None or candidate.test(ctx)):
            if candidate.allows:
                decision = _explained(candidate, ctx)
                return _with_approvers(decision, candidates[place:], ctx) if candidate.act == _REVIEW else decision
            denied = candidate.act
    return index.unmatched


def may(index: PolicyIndex, subjects: Subjects, obj: str, act: str, ctx: Facts = _NO_FACTS) -> PermissionAnswer:
    """Whether `subjects` may do `act` to `obj`. Refused without a rule that allows it."""
    bucket = index.permissions.get((obj, act))
    if bucket is None:
        return _REFUSED
    for candidate in _candidates(bucket, _names(index, subjects), ()):
        if candidate.test is None or candidate.test(ctx):
            return candidate.answer
    return _REFUSED


def hidden_elements(index: PolicyIndex, subjects: Subjects) -> frozenset[str]:
    """Elements whose values are hidden from `subjects`, because rules show them to other roles only."""
    if not index.shown:
        return frozenset()
    names = frozenset(_names(index, subjects))
    return frozenset(element for element, roles in index.shown.items() if names.isdisjoint(roles))


def may_approve(index: PolicyIndex, role: str) -> bool:
    """Whether members with `role` may answer approvals."""
    return may(index, role, "approval", "decide").allowed


def approver_roles(index: PolicyIndex) -> list[str]:
    """Roles whose members may answer approvals, by name."""
    return roles_with(index, ("approval", "decide"))


def all_roles(index: PolicyIndex) -> list[str]:
    """All roles that rules give permissions, by name."""
    known = {*index.roles, *chain.from_iterable(index.permissions.values())}
    return sorted(name for name in known if not _is_member(name))


def roles_with(index: PolicyIndex, *permissions: tuple[str, str]) -> list[str]:
    """Roles whose members have one of `permissions`, pairs of an object and an act, by name."""
    known = {*index.roles, *chain.from_iterable(index.permissions.get(one, ()) for one in permissions)}
    return sorted(
        name for name in known if not _is_member(name) and any(may(index, name, *one).allowed for one in permissions)
    )


def _is_member(subject: str) -> bool:
    try:
        UUID(subject)
    except ValueError:
        return False
    return True


def roles_of(index: PolicyIndex, subject: str) -> frozenset[str]:
    """The roles `subject` has in this tenant, inherited ones too, without itself."""
    return frozenset(index.roles.get(subject, ())) - {subject}


def permissions_of(index: PolicyIndex, subjects: Subjects) -> frozenset[str]:
    """Permissions that a rule allows to `subjects`, as "object:act". Includes those limited by a condition or a deny,
    so that granting them requires them in full.
    """
    names = set(_names(index, subjects))
    return frozenset(
        f"{obj}:{act}"
        for (obj, act), bucket in index.permissions.items()
        if any(candidate.allows for name in names & bucket.keys() for candidate in bucket[name])
    )


def check_rule(rule: PolicyRule) -> None:
    """Check that a rule is well-formed. Raises: InvalidRule."""
    if not rule.id or not rule.sub or not rule.dom or not rule.obj or not rule.act:
        raise InvalidRule(
            N_("The rule “{rule}” needs an id, a subject, a domain, an object and an act."), params={"rule": rule.id}
        )
    if shows_values(rule):
        if rule.condition or rule.effect is not Effect.ALLOW or rule.sub == ANYONE:
            raise InvalidRule(
                N_("The rule “{rule}” shows values to a role. It names one, and has no condition."),
                params={"rule": rule.id},
            )
    elif rule.ptype is RuleKind.GOVERNANCE and rule.act not in set(PolicyOutcome):
        raise InvalidRule(
            N_("The rule “{rule}” has the act “{act}”. Use refuse, review, auto or show."),
            params={"rule": rule.id, "act": rule.act},
        )
    check_approvers(rule)
    if rule.ptype is RuleKind.PERMISSION and rule.sub == ANYONE:
        raise InvalidRule(
            N_("The permission “{rule}” applies to everyone. Name a role or a member."), params={"rule": rule.id}
        )


def check_approvers(rule: PolicyRule) -> None:
    """Check the approvers of a rule. Raises: InvalidRule."""
    asks_review = rule.ptype is RuleKind.GOVERNANCE and rule.act == PolicyOutcome.REVIEW and rule.effect is Effect.ALLOW
    if rule.approvers is not None and not asks_review:
        raise InvalidRule(
            N_("The rule “{rule}” names approvers, but asks for no approval. Only a rule that does can name them."),
            params={"rule": rule.id},
        )
    if not 1 <= rule.approvals <= MOST_APPROVALS:
        raise InvalidRule(
            N_("A rule requires 1 to {most} approvals; “{rule}” has {number}."),
            params={"most": MOST_APPROVALS, "rule": rule.id, "number": rule.approvals},
        )


def _names(index: PolicyIndex, subjects: Subjects) -> tuple[str, ...]:
    if isinstance(subjects, str):
        return index.roles.get(subjects) or (subjects,)
    return tuple(chain.from_iterable(index.roles.get(subject) or (subject,) for subject in subjects))


def _candidates(bucket: _Bucket, names: tuple[str, ...], anyone: tuple[_Candidate, ...]) -> Sequence[_Candidate]:
    found = anyone
    for name in names:
        own = bucket.get(name)
        if own is not None and name != ANYONE:
            found = found + own if found else own
    # Each subject's candidates are sorted; a sort merges them, and costs next to nothing when there is one subject.
    return found if len(found) < 2 else sorted(found)


def _with_approvers(decision: Decision, candidates: Sequence[_Candidate], ctx: Facts) -> Decision:
    """The review with the approvers of every rule that requires it; the first of `candidates` explains the review."""
    required = [
        one.approvers for one in candidates
        if one.approvers is not None and one.act == _REVIEW and (one.test is None or one.test(ctx))
    ]  # fmt: skip
    return msgspec.structs.replace(decision, approvers=combine_approvers(required)) if required else decision


def _explained(candidate: _Candidate, ctx: Facts) -> Decision:
    decision = candidate.decision
    missing = candidate.gaps.missing(ctx) if candidate.gaps is not None else ()
    if not missing:
        return decision
    return msgspec.structs.replace(decision, reason=explain_missing(decision.reason, missing, ctx))


def _candidate(
    rule: PolicyRule, position: int, count: int, version: int, role_names: Mapping[str, str] | None
) -> _Candidate:
    allows = rule.effect is Effect.ALLOW
    condition = parse_condition(rule.condition)
    outcome = PolicyOutcome(rule.act) if rule.ptype is RuleKind.GOVERNANCE else PolicyOutcome.REVIEW
    group = _OUTCOMES.index(outcome) * (2 * count + 1)
    return _Candidate(
        rank=group + (2 * count - position if allows else position),
        act=rule.act,
        allows=allows,
        test=compile_condition(condition, tightens=rule.tightens),
        decision=Decision(outcome, rule.id, reason_of(rule, role_names), version),
        answer=PermissionAnswer(allowed=allows, rule_id=rule.id),
        gaps=condition if rule.tightens and condition.facts else None,
        approvers=rule.approvers if outcome is PolicyOutcome.REVIEW and allows else None,
    )


def _sorted(bucket: Mapping[str, list[_Candidate]]) -> _Bucket:
    return {subject: tuple(sorted(candidates)) for subject, candidates in bucket.items()}


def _close_roles(links: Iterable[PolicyRule]) -> dict[str, tuple[str, ...]]:
    """Each subject with itself and every role within pycasbin's depth, nearest first."""
    direct: dict[str, list[str]] = defaultdict(list)
    for link in links:
        direct[link.sub].append(link.obj)
    return {subject: _reachable(subject, direct) for subject in direct}


def _reachable(subject: str, direct: Mapping[str, list[str]]) -> tuple[str, ...]:
    found = {subject: None}
    edge = [subject]
    for _ in range(MAX_ROLE_DEPTH):
        edge = [role for name in edge for role in direct.get(name, ()) if role not in found]
        found.update(dict.fromkeys(edge))
    return tuple(found)
