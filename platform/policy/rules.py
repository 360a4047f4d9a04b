"""Casbin rules as values, with a stable id and a sentence shown to the user who is affected by the decision."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ANY_TENANT: Final = "*"
"""The domain of rules packaged with the product: valid in every tenant."""

ANYONE: Final = "*"
"""The subject of a governance rule that applies to every proposer. Permissions always name a role or user."""


class RuleKind(StrEnum):
    """Casbin's policy types, named as in `model.conf`."""

    PERMISSION = "p"
    GOVERNANCE = "p2"
    ROLE = "g"


class Effect(StrEnum):
    """A deny overrides every allow of the same act."""

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

    @property
    def tightens(self) -> bool:
        """Whether the rule restricts. Such a rule applies when its condition cannot be evaluated.

        Allowing a refusal or a review restricts, denying them permits; denying `auto` or a permission restricts.
        """
        restrains = self.ptype is RuleKind.GOVERNANCE and self.act in {PolicyOutcome.REFUSE, PolicyOutcome.REVIEW}
        return restrains == (self.effect is Effect.ALLOW)


def role_rule(*, id: str, member: str, role: str, dom: str) -> PolicyRule:  # noqa: A002 - the rule's id, as in PolicyRule
    return PolicyRule(id=id, ptype=RuleKind.ROLE, sub=member, dom=dom, obj=role)
