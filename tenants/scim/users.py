"""Users: the account's members with addresses of its verified domains. Members of partners are not among them.

A token is limited to its owner's rights: members with a role that the owner could not give are not changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.ids import new_id
from foundation.marks import N_
from tenants.emails import clean_email
from tenants.errors import EmailTaken
from tenants.identity_providers.queries import is_verified, verified_domains
from tenants.members.administrators import require_other_administrator
from tenants.members.change_member import require_over
from tenants.members.repository import NewMember, create_member, find_member, mark_resumed, mark_suspended
from tenants.models import Member
from tenants.permissions import TenantPermission
from tenants.scim.caller import ScimCaller
from tenants.scim.errors import invalid, not_found
from tenants.scim.forms import UserForm
from tenants.scim.models import ScimUser
from tenants.states import AccountStatus

USER_FILTERS: Final = {
    "username": "userName", "id": "id", "externalid": "externalId", "emails.value": "userName", "emails": "userName",
}  # fmt: skip
_REASON: Final = "SCIM"


@dataclass(frozen=True, slots=True)
class FoundUser:
    """`profile` is None for a member whom the provider did not create or change yet."""

    member: Member
    profile: ScimUser | None


async def list_users(
    session: AsyncSession, wanted: Mapping[str, str], *, start: int, most: int
) -> tuple[int, list[FoundUser]]:
    """Number of all users, and one page of them in the order of their creation. `start` counts from 1."""
    query = await _visible(session)
    for name, value in wanted.items():
        query = query.where(_condition(name, value))
    total = await session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    if not most:
        return total, []
    rows = await session.execute(query.order_by(Member.created_at, Member.id).offset(start - 1).limit(most))
    return total, [FoundUser(member, profile) for member, profile in rows.all()]


async def get_user(session: AsyncSession, user_id: str, *, lock: bool = False) -> FoundUser:
    """Raises: ScimRefusal."""
    query = (await _visible(session)).where(_condition("id", user_id))
    query = query.execution_options(populate_existing=True)
    row = (await session.execute(query.with_for_update(of=Member) if lock else query)).one_or_none()
    if row is None:
        raise not_found()
    return FoundUser(row[0], row[1])


async def create_user(session: AsyncSession, caller: ScimCaller, form: UserForm) -> UUID:
    """Create a member without a password, or restore the member whom the provider deleted before.

    Raises:
        ScimRefusal: the address is not of a verified domain.
        EmailTaken: a member has it.
    """
    _require(caller, TenantPermission.INVITE_MEMBERS)
    email, now = await _address(session, form.user_name), caller.auth.clock()
    again = await _find_removed(session, email)
    if again is None:
        name = form.shown_name or email.partition("@")[0]
        created = await create_member(session, NewMember(new_id(), email, name), now=now)
        if not form.active:
            await mark_suspended(session, member_id=created.id, reason=_REASON, now=now)
        await _note(session, created.id, form, suspended_at=None if form.active else now)
        return created.id
    await _note(session, again.id, form)
    await change_user(session, caller, await get_user(session, str(again.id), lock=True), form)
    return again.id


async def change_user(session: AsyncSession, caller: ScimCaller, user: FoundUser, form: UserForm) -> None:
    """Suspend or resume the member by `form.active`, and store the form's profile. A suspended member's sessions end at
    once. A suspension by somebody else is not lifted, because providers send all users again and again. The member's
    address and displayed name are unchanged.

    Raises:
        ScimRefusal: another address.
        LastAdministrator: no other member can administer the account.
        RoleNotAssignable: the member holds a role that the token's owner could not give.
    """
    _require(caller, TenantPermission.INVITE_MEMBERS)
    member, now = user.member, caller.auth.clock()
    if clean_email(form.user_name) != member.email:
        raise invalid("The userName of a member cannot be changed. Create the user with the new one.", "mutability")
    active = member.status != AccountStatus.SUSPENDED
    if active and not form.active:
        await _require_over(session, caller, member)
        await require_other_administrator(session, member)
        await mark_suspended(session, member_id=member.id, reason=_REASON, now=now)
        await _note(session, member.id, form, suspended_at=now)
        return
    if form.active and not active and _was_suspended_here(user):
        await _require_over(session, caller, member)
        await mark_resumed(session, member_id=member.id, reason=_REASON, now=now)
    await _note(session, member.id, form)


async def remove_user(session: AsyncSession, caller: ScimCaller, user: FoundUser) -> None:
    """Suspend the member, and hide the member from the provider. Raises: see `change_user`."""
    _require(caller, TenantPermission.INVITE_MEMBERS)
    member, now = user.member, caller.auth.clock()
    await _require_over(session, caller, member)
    profile = user.profile
    values: dict[str, Any] = {"attributes": {} if profile is None else dict(profile.attributes)}
    if member.status != AccountStatus.SUSPENDED:
        await require_other_administrator(session, member)
        await mark_suspended(session, member_id=member.id, reason=_REASON, now=now)
        values["suspended_at"] = now
    await _write(session, member.id, {"external_id": None, "removed": True, **values})


async def visible_addresses(session: AsyncSession) -> dict[UUID, str]:
    """Addresses of all users, by id."""
    query = (await _visible(session)).with_only_columns(Member.id, Member.email)
    return {row.id: row.email for row in await session.execute(query)}


def _require(caller: ScimCaller, permission: str) -> None:
    if caller.owner is not None:
        caller.owner.require(permission)


async def _require_over(session: AsyncSession, caller: ScimCaller, member: Member) -> None:
    if caller.owner is not None and caller.owner.id != member.id:
        await require_over(session, caller.owner, member, auth=caller.auth)


async def _visible(session: AsyncSession) -> Select[Member, ScimUser]:
    joined = (ScimUser.tenant_id == Member.tenant_id) & (ScimUser.member_id == Member.id)
    return (
        select(Member, ScimUser)
        .outerjoin(ScimUser, joined)
        .where(
            Member.tenant_id == scope_of(session).tenant_id,
            Member.partner_id.is_(None),
            func.split_part(Member.email, "@", 2).in_(await verified_domains(session)),
            ScimUser.removed.is_not(True),
        )
    )


def _condition(name: str, value: str) -> ColumnElement[bool]:
    if name == "id":
        try:
            return Member.id == UUID(value)
        except ValueError:
            return Member.id.is_(None)
    return ScimUser.external_id == value if name == "externalId" else Member.email == value.strip().lower()


async def _address(session: AsyncSession, user_name: str) -> str:
    email = clean_email(user_name)
    if not await is_verified(session, email.rpartition("@")[2]):
        raise invalid("userName is not an address of a domain that this account has verified for single sign-on.")
    return email


async def _find_removed(session: AsyncSession, email: str) -> Member | None:
    """Raises: EmailTaken."""
    try:
        member = await find_member(session, email)
    except NotFound:
        return None
    profile = await session.get(ScimUser, (member.tenant_id, member.id), populate_existing=True)
    if profile is None or not profile.removed:
        raise EmailTaken(
            N_("{email} belongs to this account already. Change that member instead."), params={"email": email},
            email=email,
        )  # fmt: skip
    return member


def _was_suspended_here(user: FoundUser) -> bool:
    """Whether the provider suspended the member, and nobody else has since."""
    profile, member = user.profile, user.member
    return profile is not None and profile.suspended_at is not None and profile.suspended_at == member.signed_out_after


async def _note(
    session: AsyncSession, member_id: UUID, form: UserForm, *, suspended_at: datetime | None = None
) -> None:
    values = {"external_id": form.external_id, "attributes": form.attributes, "removed": False}
    await _write(session, member_id, values | ({"suspended_at": suspended_at} if suspended_at else {}))


async def _write(session: AsyncSession, member_id: UUID, values: dict[str, Any]) -> None:
    scope = scope_of(session)
    added = insert(ScimUser).values(tenant_id=scope.tenant_id, msp_id=scope.msp_id, member_id=member_id, **values)
    await session.execute(added.on_conflict_do_update(index_elements=["tenant_id", "member_id"], set_=values))
