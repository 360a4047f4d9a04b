"""Roles that a step may notify, and their labels."""

from collections.abc import Collection, Mapping
from typing import Final

from foundation.i18n.localizer import translate
from foundation.permissions import Permission
from governance.escalations.schemas import EscalationStep, EscalationSubject
from governance.permissions import GovernancePermission
from policy.index import PolicyIndex, may
from policy.packaged import MSP_ROLES, SYSTEM_ROLES
from policy.role_labels import role_label

SEES: Final[dict[EscalationSubject, Permission]] = {
    EscalationSubject.APPROVAL: GovernancePermission.READ_APPROVALS,
    EscalationSubject.EXCEPTION: GovernancePermission.READ_EXCEPTIONS,
}
_NOBODY: Final = frozenset({"partner", "machine"})
"""Roles of trading partners and programs: neither works on the client's inbox."""


def roles_to_notify(index: PolicyIndex, about: EscalationSubject) -> Collection[str]:
    """Roles that may see the subject: packaged ones of the MSP and of clients, and the account's own."""
    obj, _, act = SEES[about].partition(":")
    known = SYSTEM_ROLES | index.role_names.keys()
    return {role for role in known - _NOBODY if may(index, role, obj, act).allowed}


def is_held_in(step: EscalationStep, *, msp: bool) -> bool:
    """Whether members of the MSP, or else of the client, may hold the step's role. Roles that both composed may have
    the same code.
    """
    return step.role in SYSTEM_ROLES or bool(step.role_name) is msp


def label_of(role: str, names: Mapping[str, str], role_name: str = "") -> str:
    """Label of a role; MSPs and clients have roles of the same name. `names` are those of the account's own roles, and
    `role_name` is that of a role that the MSP composed.
    """
    label = role_name or role_label(role, names)
    if role_name or (role in MSP_ROLES and role not in {"msp_admin", "msp_operator"}):
        return translate("{role} of the service provider", role=label)
    return label
