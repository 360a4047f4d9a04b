"""Bringing somebody into an account: the person, the first role and the link, in one transaction."""

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import Clock
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import NewId
from policy.errors import RoleNotAssignable
from policy.packaged import CLIENT_ROLES
from policy.publishing import assign_role, list_assignments, revoke_role
from tenants.auth.services import AuthServices
from tenants.members.administrators import require_other_administrator
from tenants.members.repository import (
    NewMember,
    create_member,
    get_member,
    invite_person,
    resume_person,
    suspend_person,
)
from tenants.models import AccountStatus, Member
from tenants.principal import Principal

PARTNER: Final = "partner"
MACHINE: Final = "machine"
"""For keys alone."""


async def invite_member(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, auth: AuthServices, by: Principal, wanted: NewMember, *, role: str, new_id: NewId
) -> tuple[Member, str]:
    """The person and the token of the link with which they choose a password.

    Raises:
        RoleNotAssignable: nobody gives more than they hold, except staff in a client's account.
        EmailTaken: the tenant has somebody with this address.
    """
    scope = scope_of(session)
    if (role == PARTNER) != (wanted.partner_id is not None):
        raise InvalidInput("A partner's user has the role “partner” and names the partner.", field="partner_id")
    _require_assignable(by, role, in_house=scope.tenant_id == scope.msp_id)
    person = await create_member(session, wanted, now=auth.clock())
    await assign_role(session, scope, user_id=person.id, role=role, clock=auth.clock, new_id=new_id)
    return person, await invite_person(session, auth.new_secret, person_id=person.id, now=auth.clock())


async def reissue_invitation(
    session: AsyncSession, auth: AuthServices, by: Principal, person_id: UUID
) -> tuple[Member, str]:
    """A new link for somebody who never used theirs: whoever holds the link of a person becomes that person.

    Raises:
        NotFound: this account has nobody of this id.
        Conflict: the person has a password, or is suspended.
        RoleNotAssignable: the person holds a role that `by` could not give.
    """
    scope = scope_of(session)
    person = await get_member(session, person_id, lock=True)
    if person.status != AccountStatus.INVITED or person.password_hash is not None:
        raise Conflict(
            "This person has chosen a password, or is suspended. Who forgot it asks the operator of this installation"
            " for a link (`fairlead tenant password-link`)."
        )
    for role in (await list_assignments(session, scope)).get(str(person_id), ()):
        _require_assignable(by, role, in_house=scope.tenant_id == scope.msp_id)
    return person, await invite_person(session, auth.new_secret, person_id=person_id, now=auth.clock())


async def suspend_member(
    session: AsyncSession, by: Principal, person: Member, *, reason: str, auth: AuthServices
) -> None:
    """Suspend somebody else.

    Raises:
        Conflict: it is oneself, or whoever made the key that acts.
        LastAdministrator: nobody else can administer the account.
        RoleNotAssignable: nobody suspends whom they could not give their roles.
    """
    if person.id in {by.id, by.maker_id}:
        raise Conflict("You cannot suspend yourself. Ask another administrator of this account.")
    await require_over(session, by, person)
    await require_other_administrator(session, person)
    await suspend_person(session, person_id=person.id, reason=reason, now=auth.clock())


async def give_role(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, by: Principal, person: Member, *, role: str, clock: Clock, new_id: NewId
) -> None:
    """One more role. Giving it again changes nothing.

    Raises:
        RoleNotAssignable: see `invite_member`.
    """
    scope = scope_of(session)
    if (role == PARTNER) != (person.partner_id is not None):
        raise InvalidInput("A partner's user has the role “partner” and no other.", field="role")
    _require_assignable(by, role, in_house=scope.tenant_id == scope.msp_id)
    await assign_role(session, scope, user_id=person.id, role=role, clock=clock, new_id=new_id)


async def take_role(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, by: Principal, person: Member, *, role: str, clock: Clock, new_id: NewId
) -> None:
    """Take a role back, effective with the person's next request.

    Raises:
        Conflict: it is one's own.
        LastAdministrator: nobody else can administer the account.
        RoleNotAssignable: nobody takes what they could not give.
        NotFound: the person does not hold it, or through another role only.
    """
    scope = scope_of(session)
    if person.id in {by.id, by.maker_id}:
        raise Conflict("You cannot take a role from yourself. Ask another administrator of this account.")
    if role not in (await list_assignments(session, scope)).get(str(person.id), ()):
        raise NotFound("This person was not given this role.")
    _require_assignable(by, role, in_house=scope.tenant_id == scope.msp_id)
    await require_other_administrator(session, person, losing=role)
    await revoke_role(session, scope, user_id=person.id, role=role, clock=clock, new_id=new_id)


async def resume_member(session: AsyncSession, by: Principal, person: Member, *, auth: AuthServices) -> None:
    """Let somebody who was suspended in again.

    Raises:
        Conflict: it is whoever made the key that acts.
        RoleNotAssignable: nobody resumes whom they could not give their roles.
    """
    if person.id in {by.id, by.maker_id}:
        raise Conflict("You cannot resume yourself. Ask another administrator of this account.")
    await require_over(session, by, person)
    await resume_person(session, person_id=person.id, reason="resumed", now=auth.clock())


async def require_over(session: AsyncSession, by: Principal, person: Member) -> None:
    """Staff act on all of a client's people.

    Raises:
        RoleNotAssignable: `person` holds a role that `by` could not give.
    """
    scope = scope_of(session)
    if by.is_staff and scope.tenant_id != scope.msp_id:
        return
    for role in (await list_assignments(session, scope)).get(str(person.id), ()):
        _require_assignable(by, role, in_house=scope.tenant_id == scope.msp_id)


def assignable_roles(by: Principal, *, in_house: bool) -> frozenset[str]:
    """Nobody gives more than they hold, except staff in a client's account; nor does a key more than its maker now."""
    if by.maker is not None:
        return _assignable(by, in_house=in_house) & _assignable(by.maker, in_house=in_house)
    return _assignable(by, in_house=in_house)


def _assignable(by: Principal, *, in_house: bool) -> frozenset[str]:
    if by.is_staff and not in_house:
        return CLIENT_ROLES - {MACHINE}
    return frozenset(by.roles) | (frozenset() if in_house else {PARTNER})


def _require_assignable(by: Principal, role: str, *, in_house: bool) -> None:
    givable = assignable_roles(by, in_house=in_house)
    if role not in givable:
        raise RoleNotAssignable(
            f"You can give one of: {', '.join(sorted(givable)) or 'none'}. Ask somebody who holds “{role}”.", role=role
        )
