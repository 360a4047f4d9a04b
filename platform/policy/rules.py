"""Casbin rules as values, with a stable id and a sentence shown to the user who is affected by the decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from policy.approvers import Approvers

ANY_TENANT: Final = "*"
"""The domain of rules packaged with the product: valid in every tenant."""

ANYONE: Final = "*"
"""The subject of a governance rule that applies to every proposer. Permissions always name a role or user."""


SHOW: Final = "show"
"""The act of a governance rule by which a role sees the values of an element that are hidden from others."""


class RuleKind(StrEnum):
    """Casbin's policy types, named as in `model.conf`."""

    PERMISSION = "p"
    GOVERNANCE = "p2"
    ROLE = "g"
    OMITTED = "omit"
    """No rule of Casbin: the client omits the rule of its MSP that has this id."""


class Effect(StrEnum):
    """Effect of a matching rule. A deny overrides every allow of the same act."""

    ALLOW = "allow"
    DENY = "deny"


class PolicyOutcome(StrEnum):
    """Outcome of a proposed change. Evaluated in this order; the first act that is allowed decides."""

    REFUSE = "refuse"
    REVIEW = "review"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One line of Casbin policy.

    Of a ROLE rule only `sub` (user or role), `obj` (the assigned role) and `dom` are used. A condition is evaluated
    only when every fact it names is present and of its type. Otherwise the rule fails safe: see `tightens`.
    `approver` and `approvals` are of a rule that allows a review: the role whose members must approve (empty: any that
    may), and how many of them. `locked`: of an MSP's rule, clients cannot replace it. `inherited`, `overrides`: see
    `policy.inheritance`.
    """

    id: str
    ptype: RuleKind
    sub: str
    dom: str
    obj: str
    act: str = ""
    condition: str = ""
    effect: Effect = Effect.ALLOW
    description: str = ""
    approver: str = ""
    approvals: int = 1
    locked: bool = False
    inherited: bool = False
    overrides: "PolicyRule | None" = None

    @property
    def approvers(self) -> Approvers | None:
        """The required approvers; None if one member of any role that may approve is enough."""
        return Approvers(self.approver, self.approvals) if self.approver or self.approvals > 1 else None

    @property
    def tightens(self) -> bool:
        """Whether the rule restricts. Such a rule applies when its condition cannot be evaluated.

        Allowing a refusal or a review restricts, denying them permits; denying `auto` or a permission restricts.
        """
        restrains = self.ptype is RuleKind.GOVERNANCE and self.act in {PolicyOutcome.REFUSE, PolicyOutcome.REVIEW}
        return restrains == (self.effect is Effect.ALLOW)


def shows_values(rule: PolicyRule) -> bool:
    """Whether the rule controls the visibility of values, and decides no change."""
    return rule.ptype is RuleKind.GOVERNANCE and rule.act == SHOW


def role_rule(*, id: str, member: str, role: str, dom: str) -> PolicyRule:  # noqa: A002 - the rule's id, as in PolicyRule
    return PolicyRule(id=id, ptype=RuleKind.ROLE, sub=member, dom=dom, obj=role)


def rule_from(rule_id: str, fields: Mapping[str, Any]) -> PolicyRule:
    """A rule from its fields, not assigned to an account yet."""
    return PolicyRule(
        id=rule_id, ptype=RuleKind(fields["ptype"]), sub=fields["sub"], dom="", obj=fields["obj"], act=fields["act"],
        condition=fields["condition"], effect=Effect(fields["effect"]), description=fields["description"],
        approver=fields.get("approver", ""), approvals=int(fields.get("approvals", "1")),
        locked="locked" in fields, inherited="inherited" in fields,
        overrides=rule_from(rule_id, fields["overrides"]) if fields.get("overrides") else None,
    )  # fmt: skip


def rule_fields(rule: PolicyRule) -> dict[str, Any]:
    """The rule's fields as texts, `overrides` as fields of its own, without its id and account: the inverse of
    `rule_from`.
    """
    fields: dict[str, Any] = {
        "ptype": rule.ptype.value, "sub": rule.sub, "obj": rule.obj, "act": rule.act, "condition": rule.condition,
        "effect": rule.effect.value, "description": rule.description,
    }  # fmt: skip
    if rule.approvers is not None:
        fields |= {"approver": rule.approver, "approvals": str(rule.approvals)}
    fields |= {name: "yes" for name in ("locked", "inherited") if getattr(rule, name)}
    if rule.overrides is not None:
        fields["overrides"] = rule_fields(rule.overrides)
    return fields
