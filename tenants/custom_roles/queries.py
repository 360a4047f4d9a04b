"""Roles of an account, packaged ones first."""

from collections import Counter

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import NotFound
from policy.index import PolicyIndex, permissions_of, roles_of
from policy.models import PolicyRole
from policy.packaged import CLIENT_ROLES, MSP_ROLES
from policy.publishing import list_assignments
from policy.role_labels import about_role, role_label
from policy.role_repository import list_roles
from tenants.custom_roles.schemas import RoleView


async def read_roles(session: AsyncSession, index: PolicyIndex) -> list[RoleView]:
    """Packaged roles by the number of their permissions, the most first, then the account's own by name."""
    scope = scope_of(session)
    assigned = await list_assignments(session, scope)
    held = Counter(role for roles in assigned.values() for role in roles)
    packaged = MSP_ROLES if scope.tenant_id == scope.msp_id else CLIENT_ROLES - {"machine"}
    views = [_packaged(index, role, held[role]) for role in packaged]
    views.sort(key=lambda view: (-len(view.permissions), view.id))
    return views + [_own(role, held[role.id]) for role in await list_roles(session)]


async def read_role(session: AsyncSession, index: PolicyIndex, role: str) -> RoleView:
    """Raises: NotFound."""
    found = next((one for one in await read_roles(session, index) if one.id == role), None)
    if found is None:
        raise NotFound
    return found


def _packaged(index: PolicyIndex, role: str, members: int) -> RoleView:
    permissions = sorted(permissions_of(index, (role, *roles_of(index, role))))
    return RoleView(role, role_label(role), about_role(role), custom=False, permissions=permissions, members=members)


def _own(role: PolicyRole, members: int) -> RoleView:
    return RoleView(
        role.id, role.name, role.about, custom=True, permissions=role.permissions, members=members,
        changed_at=role.changed_at, changed_by=role.changed_by_name,
    )  # fmt: skip
