"""View of roles on a member's page: what each allows, and which ones the reader may give or take."""

from dataclasses import dataclass
from typing import Final

from foundation.i18n.localizer import translate
from foundation.marks import N_
from policy.index import roles_of
from policy.packaged import CLIENT_ROLES, MSP_ROLES
from policy.permissions import PolicyPermission
from tenants.access import Access, role_label
from tenants.members.change_member import PARTNER, assignable_roles
from tenants.models import Member

_ABOUT: Final = {
    "msp_admin": N_("All rights of operators; manages clients, members, keys, prices and approvals."),
    "msp_operator": N_("Sees all clients, manages connections and exceptions, and rolls back changes."),
    "client_admin": N_("All rights of approvers; manages members, keys, baselines and policy."),
    "client_approver": N_("All rights of viewers; decides approvals, closes exceptions and proposes values."),
    "client_viewer": N_("Sees changes, channels, exceptions and invoices. Cannot change anything."),
    "partner": N_("Sees only its own channel in this account."),
}


@dataclass(frozen=True, slots=True)
class RoleRow:
    """`changeable`: the reader may take a held role, or give an offered one."""

    name: str
    words: str
    about: str
    changeable: bool = True


def held_rows(access: Access, member: Member, held: set[str]) -> list[RoleRow]:
    may = _may_assign(access, member)
    givable = assignable_roles(access.principal, in_msp_account=access.client is None)
    return [_row(role, changeable=may and role in givable) for role in sorted(held)]


def offered_rows(access: Access, member: Member, held: set[str]) -> list[RoleRow]:
    """Roles with rights beyond those held."""
    if not _may_assign(access, member):
        return []
    included = held.union(*(roles_of(access.index, role) for role in held))
    fitting = MSP_ROLES if access.client is None else CLIENT_ROLES - {PARTNER}
    fitting = frozenset({PARTNER}) if member.partner_id is not None else fitting
    offered = assignable_roles(access.principal, in_msp_account=access.client is None) & fitting
    return [_row(role) for role in sorted(offered - included)]


def inviting_rows(access: Access, *, partners: bool) -> list[RoleRow]:
    """Roles that the reader may invite with, the least first. `partners`: the account has trading partners."""
    fitting = MSP_ROLES if access.client is None else CLIENT_ROLES - (set() if partners else {PARTNER})
    givable = assignable_roles(access.principal, in_msp_account=access.client is None) & fitting
    return [
        _row(role) for role in sorted(givable, key=lambda role: (role == PARTNER, len(roles_of(access.index, role))))
    ]


def _may_assign(access: Access, member: Member) -> bool:
    return access.may(PolicyPermission.ASSIGN_ROLE) and member.id != access.principal.id


def _row(role: str, *, changeable: bool = True) -> RoleRow:
    return RoleRow(role, role_label(role), translate(_ABOUT[role]) if role in _ABOUT else "", changeable)
