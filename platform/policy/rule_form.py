"""Governance rules as forms, and their Casbin rules."""

from typing import Annotated, Final

import msgspec

from foundation.codes import LabelledCode
from foundation.marks import N_
from policy.approvers import MOST_APPROVALS
from policy.conditions import parse_condition
from policy.errors import InvalidRule
from policy.facts import PROPOSER_PREFIX
from policy.index import check_approvers
from policy.rules import ANYONE, SHOW, Effect, PolicyOutcome, PolicyRule, RuleKind, shows_values
from policy.terms import Term, kinds_of, read_terms, write_condition


class RuleOutcome(LabelledCode):
    """The decision about a change to which a rule applies; `no_…` overrides outcomes of other rules."""

    AUTO = "auto", N_("passes automatically")
    REVIEW = "review", N_("needs approval")
    REFUSE = "refuse", N_("is refused")
    NO_REVIEW = "no_review", N_("needs no approval")
    NO_REFUSE = "no_refuse", N_("is not refused")
    NO_AUTO = "no_auto", N_("does not pass automatically")
    SHOW = "show", N_("is hidden from other roles")
    """No decision about a change, but the only role that sees the values."""


class RuleOrigin(LabelledCode):
    """Origin of a change, as the subject of a governance rule."""

    ANY = ANYONE, N_("Anywhere")
    SOURCE = "source", N_("The source of truth")
    PROPOSAL = "proposal", N_("A person or an API client")
    ROLLBACK = "rollback", N_("A rollback")
    BASELINE = "baseline", N_("An accepted baseline")


_NEGATION: Final = "no_"
Label = Annotated[str, msgspec.Meta(max_length=500)]


class RuleForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule: if all `terms` hold for a change of `element` from `origin`, `outcome` applies.

    `reason` is the text for people who are affected; without one, they read the conditions in their language. Of a rule
    that needs approval, `approvals` members with the role `approver` must approve; without a role, any approver.
    """

    element: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    outcome: RuleOutcome
    origin: RuleOrigin = RuleOrigin.ANY
    terms: Annotated[tuple[Term, ...], msgspec.Meta(max_length=12)] = ()
    reason: Label = ""
    approver: Annotated[str, msgspec.Meta(max_length=100)] = ""
    approvals: Annotated[int, msgspec.Meta(ge=1, le=MOST_APPROVALS)] = 1
    role: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """Of a rule that shows values: the role that sees them."""
    locked: bool = False
    """Of a rule that an MSP has for its clients: they cannot replace it."""


class GovernedElement(msgspec.Struct, frozen=True):
    """An element that rules name. `dimensions` may divide its values. New rules cannot name an element that
    `is_retired`.
    """

    code: str
    label: str
    value_type: str
    dimensions: tuple[str, ...] = ()
    is_retired: bool = False


def build_rule(form: RuleForm, element: GovernedElement, *, rule_id: str) -> PolicyRule:
    """The Casbin rule, not assigned to an account yet.

    Raises:
        InvalidRule: an incomplete term, or one for which the element's changes have no fact.
    """
    if form.outcome is RuleOutcome.SHOW:
        return _build_show_rule(form, element, rule_id)
    if form.role:
        raise InvalidRule(N_("Only a rule that hides values from other roles names a role."))
    possible = kinds_of(element.value_type, element.dimensions)
    for term in form.terms:
        if term.kind not in possible:
            raise InvalidRule(
                N_("The condition “{kind}” does not apply to {element}."),
                params={"element": element.code, "kind": term.kind[:40]},
            )
    denied = form.outcome.startswith(_NEGATION)
    rule = PolicyRule(
        id=rule_id,
        ptype=RuleKind.GOVERNANCE,
        sub=form.origin.value,
        dom="",
        obj=element.code,
        act=form.outcome.removeprefix(_NEGATION),
        condition=parse_condition(write_condition(form.terms, element.value_type)).text,
        effect=Effect.DENY if denied else Effect.ALLOW,
        description=form.reason.strip(),
        approver=form.approver.strip(),
        approvals=form.approvals,
        locked=form.locked,
    )
    check_approvers(rule)
    return rule


def _build_show_rule(form: RuleForm, element: GovernedElement, rule_id: str) -> PolicyRule:
    if not form.role.strip() or form.role == ANYONE:
        raise InvalidRule(N_("Name the role that sees the values."))
    if form.terms or form.approver or form.approvals > 1 or form.origin is not RuleOrigin.ANY:
        raise InvalidRule(N_("A rule about who sees values has no conditions and no approvers."))
    return PolicyRule(
        id=rule_id, ptype=RuleKind.GOVERNANCE, sub=form.role.strip(), dom="", obj=element.code, act=SHOW,
        description=form.reason.strip(), locked=form.locked,
    )  # fmt: skip


def proposer_roles_of(rule: PolicyRule) -> frozenset[str]:
    """Roles of proposers that the condition of a rule names."""
    names = [name for name, _ in parse_condition(rule.condition).facts]
    return frozenset(name.removeprefix(PROPOSER_PREFIX) for name in names if name.startswith(PROPOSER_PREFIX))


def roles_named_by(rule: PolicyRule) -> frozenset[str]:
    """Roles that a rule names: of approvers, of proposers, and those that see values."""
    named = {rule.approver, rule.sub if shows_values(rule) else "", *proposer_roles_of(rule)}
    return frozenset(named - {""})


def outcome_of(rule: PolicyRule) -> RuleOutcome:
    """Outcome of a governance rule."""
    if shows_values(rule):
        return RuleOutcome.SHOW
    return RuleOutcome.of(f"{_NEGATION if rule.effect is Effect.DENY else ''}{PolicyOutcome(rule.act).value}")


def read_form(rule: PolicyRule, value_type: str) -> RuleForm | None:
    """The form of a governance rule; None for one with a condition or a subject that the form cannot show."""
    if shows_values(rule):
        return RuleForm(
            element=rule.obj, outcome=RuleOutcome.SHOW, role=rule.sub, reason=rule.description, locked=rule.locked
        )
    terms = read_terms(rule.condition, value_type)
    if terms is None or rule.ptype is not RuleKind.GOVERNANCE or rule.sub not in set(RuleOrigin):
        return None
    return RuleForm(
        element=rule.obj, outcome=outcome_of(rule), origin=RuleOrigin.of(rule.sub), terms=terms,
        reason=rule.description, approver=rule.approver, approvals=rule.approvals,
        locked=rule.locked,
    )  # fmt: skip
