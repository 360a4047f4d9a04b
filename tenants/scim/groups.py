"""Groups: the roles that the token's owner may assign. Membership is the assignment of the role."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.i18n.localizer import ENGLISH, localized
from foundation.ids import new_id
from policy.packaged import CLIENT_ROLES, MSP_ROLES
from policy.permissions import PolicyPermission
from policy.publishing import assign_role, list_assignments, revoke_role
from policy.role_labels import role_label
from tenants.members.administrators import require_other_administrator
from tenants.members.change_member import MACHINE, PARTNER, assignable_roles
from tenants.scim.caller import ScimCaller
from tenants.scim.errors import invalid, not_found
from tenants.scim.forms import MemberChange
from tenants.scim.users import get_user, visible_addresses

GROUP_FILTERS: Final = {
    "displayname": "displayName", "id": "id", "members": "members", "members.value": "members",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """`members` are addresses by id."""

    role: str
    label: str
    members: Mapping[UUID, str]


async def list_groups(session: AsyncSession, caller: ScimCaller, wanted: Mapping[str, str]) -> list[FoundGroup]:
    labels = await _labels(session, caller)
    held = await _held(session, caller)
    addresses = await visible_addresses(session)
    found = [FoundGroup(role, label, _members(held, addresses, role)) for role, label in labels.items()]
    return [one for one in found if _fits(one, wanted)]


async def get_group(session: AsyncSession, caller: ScimCaller, role: str) -> FoundGroup:
    """Raises: ScimRefusal."""
    found = await list_groups(session, caller, {"id": role})
    if not found:
        raise not_found()
    return found[0]


async def change_members(
    session: AsyncSession, caller: ScimCaller, group: FoundGroup, changes: Iterable[MemberChange]
) -> None:
    """Assign and remove the role. All or nothing.

    Raises:
        ScimRefusal: a member of the group is not a user.
        LastAdministrator: no other member could administer the account.
        PermissionRefused: the token's owner may not assign roles any more.
    """
    if caller.owner is not None:
        caller.owner.require(PolicyPermission.ASSIGN_ROLE)
    before = set(group.members)
    wanted = set(before)
    for change in changes:
        named = set(before if change.ids is None else map(_as_id, change.ids))
        kept = wanted if change.op != "replace" else set()
        wanted = kept - named if change.op == "remove" else kept | named
    # Given before taken, so that an account whose administrators are exchanged never lacks one.
    clock, scope = caller.auth.clock, caller.scope
    for one in sorted(wanted - before):
        await _require_user(session, one)
        await assign_role(session, scope, member_id=one, role=group.role, clock=clock, new_id=new_id)
    for one in sorted(before - wanted):
        user = await get_user(session, str(one))
        await require_other_administrator(session, user.member, losing=group.role)
        await revoke_role(session, scope, member_id=one, role=group.role, clock=clock, new_id=new_id)


async def _require_user(session: AsyncSession, member_id: UUID) -> None:
    if member_id not in await visible_addresses(session):
        raise invalid("A member of the group is not a user of this account.")


async def _labels(session: AsyncSession, caller: ScimCaller) -> dict[str, str]:
    """Labels of roles, in English, as providers match groups by name."""
    scope = caller.scope
    index = await caller.auth.policies.index_for(session, scope)
    roles = (MSP_ROLES if scope.tenant_id == scope.msp_id else CLIENT_ROLES) | set(index.role_names)
    if caller.owner is not None:
        roles &= assignable_roles(caller.owner, index, scope)
    with localized(ENGLISH):
        return {role: role_label(role, index.role_names) for role in sorted(roles - {MACHINE, PARTNER})}


async def _held(session: AsyncSession, caller: ScimCaller) -> dict[str, set[str]]:
    """Members' ids by role."""
    by_role: dict[str, set[str]] = {}
    for member, roles in (await list_assignments(session, caller.scope)).items():
        for role in roles:
            by_role.setdefault(role, set()).add(member)
    return by_role


def _members(held: Mapping[str, set[str]], addresses: Mapping[UUID, str], role: str) -> dict[UUID, str]:
    ids = held.get(role, set())
    return {one: address for one, address in addresses.items() if str(one) in ids}


def _fits(group: FoundGroup, wanted: Mapping[str, str]) -> bool:
    own = {"id": group.role, "displayName": group.label.casefold()}
    members = {str(one) for one in group.members}
    return all(
        value.lower() in members if name == "members"
        else own[name] == (value.casefold() if name == "displayName" else value)
        for name, value in wanted.items()
    )  # fmt: skip


def _as_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise invalid("A member of the group is not a user of this account.") from None
