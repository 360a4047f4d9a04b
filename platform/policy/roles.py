"""Roles of an account's own: created, changed and deleted, each effective with the next transaction everywhere."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.clock import Clock
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput
from foundation.ids import NewId
from foundation.marks import N_
from foundation.names import clean_name
from foundation.text import clean_foreign_text
from policy.audit_actions import RoleAction
from policy.errors import RoleInUse, RoleNameTaken
from policy.models import PolicyRole
from policy.publishing import list_assignments
from policy.repository import PolicyState, fetch_policy, insert_version, lock_policy
from policy.role_repository import delete_role, get_role, insert_role, list_roles, update_role

MOST_ROLES: Final = 200
LONGEST_ABOUT: Final = 300


class RoleContent(msgspec.Struct, frozen=True):
    """Editable content of a role. `permissions` are codes, "object:act"; `about` describes the role."""

    name: str
    permissions: Sequence[str]
    about: str = ""


async def create_role(session: AsyncSession, content: RoleContent, *, clock: Clock, new_id: NewId) -> PolicyRole:
    """Create a role of the scope's account.

    Raises:
        RoleNameTaken: another role of the account has the name.
        InvalidInput: no name, no permission, or too many roles.
    """
    scope, cleaned = scope_of(session), _clean(content)
    await lock_policy(session, scope)
    if len(await list_roles(session)) >= MOST_ROLES:
        raise InvalidInput(N_("An account has at most {most} roles of its own."), params={"most": MOST_ROLES})
    role, now = f"role_{new_id().hex}", clock()
    who = scope.actor.name
    made = {"created_at": now, "created_by_name": who, "changed_at": now, "changed_by_name": who}
    if not await insert_role(session, {"id": role, **msgspec.structs.asdict(cleaned), **made}):
        raise _taken(cleaned)
    await _record(session, RoleAction.ROLE_CREATED, role, _audited(cleaned), clock, new_id)
    return await get_role(session, role)


async def change_role(
    session: AsyncSession, role: str, content: RoleContent, *, clock: Clock, new_id: NewId
) -> PolicyRole:
    """Replace name, description and permissions. Nothing is recorded if nothing changes.

    Raises:
        NotFound, RoleNameTaken, InvalidInput: see `create_role`.
    """
    scope, cleaned = scope_of(session), _clean(content)
    await lock_policy(session, scope)
    before = await get_role(session, role)
    old = RoleContent(before.name, before.permissions, before.about)
    if old == cleaned:
        return before
    same = (PolicyRole.tenant_id == scope.tenant_id, func.lower(PolicyRole.name) == cleaned.name.lower())
    if await session.scalar(select(PolicyRole.id).where(*same, PolicyRole.id != role)) is not None:
        raise _taken(cleaned)
    values = msgspec.structs.asdict(cleaned) | {"changed_at": clock(), "changed_by_name": scope.actor.name}
    await update_role(session, role, values)
    data = _audited(cleaned) | {
        "before": old.name,
        "added": sorted(set(cleaned.permissions) - set(old.permissions)),
        "removed": sorted(set(old.permissions) - set(cleaned.permissions)),
    }
    await _record(session, RoleAction.ROLE_CHANGED, role, data, clock, new_id)
    return await get_role(session, role)


async def remove_role(session: AsyncSession, role: str, *, clock: Clock, new_id: NewId) -> None:
    """Delete a role that is not assigned.

    Raises:
        NotFound: no such role of the account's own.
        RoleInUse: the role is assigned. The room of members checks this earlier, with their names in its error.
    """
    scope = scope_of(session)
    await lock_policy(session, scope)
    known = await get_role(session, role)
    if await holders_of(session, role):
        raise RoleInUse(N_("This role is still assigned. Remove it from its members first."))
    content = RoleContent(known.name, known.permissions, known.about)
    await delete_role(session, role)
    await _record(session, RoleAction.ROLE_DELETED, role, _audited(content), clock, new_id)


async def holders_of(session: AsyncSession, role: str) -> list[UUID]:
    """Ids of the members to whom a role is assigned in the scope's account."""
    assigned = await list_assignments(session, scope_of(session))
    return [UUID(member) for member, roles in assigned.items() if role in roles]


def _clean(content: RoleContent) -> RoleContent:
    permissions = sorted(set(content.permissions))
    if not permissions:
        raise InvalidInput(N_("Choose at least one permission."), field="permissions")
    about = " ".join(clean_foreign_text(content.about).split())
    if len(about) > LONGEST_ABOUT:
        raise InvalidInput(
            N_("A description has at most {most} characters."), params={"most": LONGEST_ABOUT}, field="about"
        )
    return RoleContent(clean_name(content.name), permissions, about)


def _taken(content: RoleContent) -> RoleNameTaken:
    return RoleNameTaken(
        N_("This account has a role with the name “{name}” already."), params={"name": content.name}, field="name"
    )


def _audited(content: RoleContent) -> dict[str, Any]:
    return {"name": content.name, "permissions": list(content.permissions)}


async def _record(  # noqa: PLR0913, PLR0917 - one step of three use cases, not an interface
    session: AsyncSession, action: RoleAction, role: str, data: dict[str, Any], clock: Clock, new_id: NewId
) -> None:
    """Give the policy a new stamp, which invalidates the index in every process, and audit the action. The version of
    the rules is unchanged: a role does not change approved content.
    """
    scope, now = scope_of(session), clock()
    state, _ = await fetch_policy(session, scope)
    after = PolicyState(new_id(), state.serial + 1, state.version)
    await insert_version(session, scope, state=after, diff={"role": role, "act": str(action)}, created_at=now)
    append_audit(session, action=action, subject=f"role:{role}", data=data, at=now)
