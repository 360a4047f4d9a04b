"""Roles that a step may notify, and their labels."""

from collections.abc import Collection, Mapping
from typing import Final

from foundation.i18n.localizer import translate
from foundation.permissions import Permission
from governance.escalations.schemas import EscalationSubject
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


def roles_to_notify(index: PolicyIndex, about: EscalationSubject, *, packaged_only: bool) -> Collection[str]:
    """Roles that may see the subject. With `packaged_only`, without the account's own."""
    obj, _, act = SEES[about].partition(":")
    known = SYSTEM_ROLES if packaged_only else SYSTEM_ROLES | index.role_names.keys()
    return {role for role in known - _NOBODY if may(index, role, obj, act).allowed}


def label_of(role: str, names: Mapping[str, str]) -> str:
    """Label of a role; MSPs and clients have roles of the same name. `names` are those of the account's own."""
    label = role_label(role, names)
    if role in MSP_ROLES and role not in {"msp_admin", "msp_operator"}:
        return translate("{role} of the service provider", role=label)
    return label
