"""View of roles on a member's page: their permissions, and which ones the reader may assign or remove."""

from dataclasses import dataclass

from policy.index import PolicyIndex, roles_of
from policy.packaged import CLIENT_ROLES, MSP_ROLES
from policy.permissions import PolicyPermission
from policy.role_labels import about_role, role_label
from tenants.access import Access
from tenants.members.change_member import PARTNER, assignable_roles
from tenants.models import Member


@dataclass(frozen=True, slots=True)
class RoleRow:
    """`changeable`: the reader may remove a held role, or assign an offered one. `custom`: one of the account's own."""

    name: str
    words: str
    about: str
    changeable: bool = True
    custom: bool = False


def held_rows(access: Access, index: PolicyIndex, member: Member, held: set[str]) -> list[RoleRow]:
    """Roles of a member. `index` is the policy of the member's account."""
    may = _may_assign(access, member)
    givable = assignable_roles(access.principal, index, access.scope)
    return [_row(index, role, changeable=may and role in givable) for role in sorted(held)]


def offered_rows(access: Access, index: PolicyIndex, member: Member, held: set[str]) -> list[RoleRow]:
    """Roles with rights beyond those held."""
    if not _may_assign(access, member):
        return []
    included = held.union(*(roles_of(index, role) for role in held))
    givable = assignable_roles(access.principal, index, access.scope)
    fitting = frozenset({PARTNER}) if member.partner_id is not None else _here(access, index) - {PARTNER}
    return [_row(index, role) for role in _sorted(index, (givable & fitting) - included)]


def inviting_rows(access: Access, index: PolicyIndex, *, partners: bool) -> list[RoleRow]:
    """Roles that the reader may invite with, fewest permissions first. `partners`: the account has trading partners."""
    fitting = _here(access, index) - (set() if partners else {PARTNER})
    givable = assignable_roles(access.principal, index, access.scope) & fitting
    return [_row(index, role) for role in _sorted(index, givable)]


def _here(access: Access, index: PolicyIndex) -> frozenset[str]:
    return (MSP_ROLES if access.client is None else CLIENT_ROLES) | set(index.role_names)


def _sorted(index: PolicyIndex, roles: frozenset[str]) -> list[str]:
    """The account's own after the packaged ones, the partner's last."""
    return sorted(roles, key=lambda role: (role == PARTNER, role in index.role_names, len(roles_of(index, role)), role))


def _may_assign(access: Access, member: Member) -> bool:
    return access.may(PolicyPermission.ASSIGN_ROLE) and member.id != access.principal.id


def _row(index: PolicyIndex, role: str, *, changeable: bool = True) -> RoleRow:
    return RoleRow(role, role_label(role, index.role_names), about_role(role), changeable, role in index.role_names)
