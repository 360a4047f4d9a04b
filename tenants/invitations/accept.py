"""What an invitation's link opens: whose it is, and a password chosen there, with which the person is signed in.

Tries are counted like sign-ins, per link and address. No transaction is open while a password is hashed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import note
from foundation.database.engine import scope_of
from foundation.scope import Actor, Scope
from tenants.accounts import get_client, get_msp
from tenants.auth.account_names import read_account_names
from tenants.auth.identity import load_principal
from tenants.auth.passwords import check_repeated
from tenants.auth.services import Door
from tenants.errors import InviteNotValid, Suspended
from tenants.invitations.inviter import check_colleague, check_staff
from tenants.members.repository import Invite, accept_invite, find_invited
from tenants.models import Person, Standing
from tenants.principal import Principal

_LINK: Final = Actor.system("invitation")


@dataclass(frozen=True, slots=True)
class Knock:
    """A link that was opened at `address`, on a host of this MSP."""

    msp_id: UUID
    invite: Invite
    address: str

    @property
    def scope(self) -> Scope:
        return Scope(msp_id=self.msp_id, tenant_id=self.invite.tenant_id, actor=_LINK)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a true link says. `first`: the person has no password yet; else this one replaces a forgotten one.

    `invited_by` is empty when it was the operator.
    """

    email: str
    name: str
    account: str
    first: bool
    invited_by: str


async def read_offer(door: Door, knock: Knock) -> Offer:
    """Looking uses nothing up.

    Raises:
        InviteNotValid: unknown, used, replaced, withdrawn, run out, or its inviter may no longer invite; all sound the
            same.
        SignInThrottled: too many links were wrong before; this one was not looked at.
        Suspended: the link is right, but its account is suspended.
    """
    now, counted = door.clock(), f"invitation:{knock.invite.person_id}"
    attempt = await door.throttle.reserve(msp_id=knock.msp_id, email=counted, address=knock.address, now=now)
    async with door.db.transaction(knock.scope) as session:
        offer, staff = await _offer(session, door, knock.invite, now)
    if staff is not None:
        await check_staff(door, knock.scope, *staff)
    await door.throttle.release(attempt)
    return offer


async def join(door: Door, knock: Knock, *, password: str, again: str) -> Principal:
    """Choose the password and come in. The link is used up, in the same transaction.

    Raises:
        WeakPassword: the link stays good.
        InviteNotValid, SignInThrottled, Suspended: see `read_offer`.
    """
    try:
        offer = await read_offer(door, knock)
        check_repeated(password, again)
        names = [offer.name, *await read_account_names(door.db, knock.scope)]
        password_hash = await door.passwords.prepare(password, email=offer.email, names=names)
        async with door.db.transaction(knock.scope) as session:
            return await _enter(session, door, knock, password_hash)
    except InviteNotValid:
        await _note_refusal(door, knock)
        raise


async def _offer(
    session: AsyncSession, door: Door, invite: Invite, now: datetime
) -> tuple[Offer, tuple[UUID, frozenset[str]] | None]:
    """With the inviter and what they gave, where that is left to `check_staff`."""
    person = await find_invited(session, invite, now=now)
    scope = scope_of(session)
    account = await (get_msp(session) if scope.tenant_id == scope.msp_id else get_client(session))
    if account.status != Standing.ACTIVE:
        raise Suspended
    staff = await check_colleague(session, door, person)
    first = person.password_hash is None
    return Offer(person.email, person.name, account.name, first, person.invited_by or ""), staff


async def _enter(session: AsyncSession, door: Door, knock: Knock, password_hash: str) -> Principal:
    now, person_id = door.clock(), knock.invite.person_id
    await check_colleague(session, door, await find_invited(session, knock.invite, now=now))
    await accept_invite(session, knock.invite, password_hash=password_hash, now=now)
    principal = await load_principal(session, door.policies, person_id)
    if principal is None:
        raise Suspended
    own = (Person.tenant_id == principal.tenant_id, Person.id == person_id)
    await session.execute(update(Person).where(*own).values(last_seen_at=now))
    data = {"address": knock.address}
    note(session, action="sign_in.succeeded", subject=f"person:{person_id}", data=data, at=now)
    return principal


async def _note_refusal(door: Door, knock: Knock) -> None:
    """In the account of the person the link names, if there is one."""
    async with door.db.transaction(knock.scope) as session:
        own = (Person.tenant_id == knock.invite.tenant_id, Person.id == knock.invite.person_id)
        if await session.scalar(select(Person.id).where(*own)) is not None:
            subject, data = f"person:{knock.invite.person_id}", {"address": knock.address}
            note(session, action="person.invitation_refused", subject=subject, data=data, at=door.clock())
