"""Bringing somebody into an account: the person, the first role and the link, in one transaction."""

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput
from foundation.ids import NewId
from policy.errors import RoleNotAssignable
from policy.packaged import CLIENT_ROLES
from policy.publishing import assign_role
from tenants.door import Door
from tenants.models import Person
from tenants.people import NewPerson, create_person, invite_person, suspend_person
from tenants.principal import Principal

PARTNER = "partner"


async def bring_in(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, door: Door, by: Principal, wanted: NewPerson, *, role: str, new_id: NewId
) -> tuple[Person, str]:
    """The person and the token of the link with which they choose a password.

    Raises:
        RoleNotAssignable: nobody gives more than they hold, except staff in a client's account.
        EmailTaken: the tenant has somebody with this address.
    """
    scope = scope_of(session)
    if (role == PARTNER) != (wanted.partner_id is not None):
        raise InvalidInput("A partner's user has the role “partner” and names the partner.", field="partner_id")
    _require_givable(by, role, in_house=scope.tenant_id == scope.msp_id)
    person = await create_person(session, wanted, now=door.clock())
    await assign_role(session, scope, user_id=person.id, role=role, clock=door.clock, new_id=new_id)
    return person, await invite_person(session, door.new_secret, person_id=person.id, now=door.clock())


async def lock_out(session: AsyncSession, by: Principal, person: Person, *, reason: str, door: Door) -> None:
    """Suspend somebody else.

    Raises:
        Conflict: it is oneself; an account must not lose its last administrator by a slip.
    """
    if person.id == by.id:
        raise Conflict("You cannot suspend yourself. Ask another administrator of this account.")
    await suspend_person(session, person_id=person.id, reason=reason, now=door.clock())


def _require_givable(by: Principal, role: str, *, in_house: bool) -> None:
    givable = CLIENT_ROLES if by.is_staff and not in_house else {*by.roles} | (set() if in_house else {PARTNER})
    if role not in givable:
        raise RoleNotAssignable(
            f"You can give one of: {', '.join(sorted(givable)) or 'none'}. Ask somebody who holds “{role}”.", role=role
        )
