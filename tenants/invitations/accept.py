"""Acceptance of an invitation: preview of its link, and choice of a password, which also signs the member in.

Attempts are throttled like sign-ins, per link and address. No transaction is open while a password is hashed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.scope import Actor, Scope
from tenants.accounts import get_client, get_msp
from tenants.audit_actions import TenantAction
from tenants.auth.account_names import read_account_names
from tenants.auth.identity import load_principal
from tenants.auth.passwords import check_repeated
from tenants.auth.services import AuthServices
from tenants.errors import InviteNotValid, Suspended
from tenants.invitations.inviter import Given, check_colleague, check_staff
from tenants.members.repository import Invite, accept_invite, find_invited
from tenants.models import Member
from tenants.principal import Principal
from tenants.states import AccountStatus

_LINK: Final = Actor.system("invitation")


@dataclass(frozen=True, slots=True)
class InvitationLink:
    """A link that was opened at network address `address`, on a host of this MSP."""

    msp_id: UUID
    invite: Invite
    address: str

    @property
    def scope(self) -> Scope:
        return Scope(msp_id=self.msp_id, tenant_id=self.invite.tenant_id, actor=_LINK)


@dataclass(frozen=True, slots=True)
class InvitationPreview:
    """Preview of a valid link. `first`: the member has no password yet; otherwise the new one replaces a forgotten one.

    `invited_by` is empty when the operator made the link.
    """

    email: str
    name: str
    account: str
    first: bool
    invited_by: str


async def preview_invitation(auth: AuthServices, link: InvitationLink) -> InvitationPreview:
    """Preview a link without using it up.

    Raises:
        InviteNotValid: unknown, used, replaced, withdrawn, expired, or its inviter may no longer invite; one message
            for all.
        SignInThrottled: too many invalid links before; this one was not checked.
        Suspended: the link is valid, but its account is suspended.
    """
    now, counted = auth.clock(), f"invitation:{link.invite.member_id}"
    attempt = await auth.throttle.reserve(msp_id=link.msp_id, email=counted, address=link.address, now=now)
    async with auth.db.transaction(link.scope) as session:
        preview, staff = await _offer(session, auth, link.invite, now)
    if staff is not None:
        await check_staff(auth, link.scope, *staff)
    await auth.throttle.release(attempt)
    return preview


async def accept_invitation(auth: AuthServices, link: InvitationLink, *, password: str, again: str) -> Principal:
    """Set the password and sign in. The link is used up in the same transaction.

    Raises:
        WeakPassword: the link stays valid.
        InviteNotValid, SignInThrottled, Suspended: see `preview_invitation`.
    """
    try:
        preview = await preview_invitation(auth, link)
        check_repeated(password, again)
        names = [preview.name, *await read_account_names(auth.db, link.scope)]
        password_hash = await auth.passwords.prepare(password, email=preview.email, names=names)
        async with auth.db.transaction(link.scope) as session:
            return await _enter(session, auth, link, password_hash)
    except InviteNotValid:
        await _note_refusal(auth, link)
        raise


async def _offer(
    session: AsyncSession, auth: AuthServices, invite: Invite, now: datetime
) -> tuple[InvitationPreview, tuple[UUID, Given] | None]:
    """The preview, with an inviter from the MSP's staff and the roles given, which `check_staff` has still to
    verify.
    """
    member = await find_invited(session, invite, now=now)
    scope = scope_of(session)
    account = await (get_msp(session) if scope.tenant_id == scope.msp_id else get_client(session))
    if account.status != AccountStatus.ACTIVE:
        raise Suspended
    staff = await check_colleague(session, auth, member)
    first = member.password_hash is None
    return InvitationPreview(member.email, member.name, account.name, first, member.invited_by or ""), staff


async def _enter(session: AsyncSession, auth: AuthServices, link: InvitationLink, password_hash: str) -> Principal:
    now, member_id = auth.clock(), link.invite.member_id
    await check_colleague(session, auth, await find_invited(session, link.invite, now=now))
    await accept_invite(session, link.invite, password_hash=password_hash, now=now)
    principal = await load_principal(session, auth.policies, member_id)
    if principal is None:
        raise Suspended
    own = (Member.tenant_id == principal.tenant_id, Member.id == member_id)
    await session.execute(update(Member).where(*own).values(last_seen_at=now))
    data = {"address": link.address}
    append_audit(session, action=TenantAction.SIGN_IN_SUCCEEDED, subject=f"member:{member_id}", data=data, at=now)
    return principal


async def _note_refusal(auth: AuthServices, link: InvitationLink) -> None:
    """Audit the refusal in the account of the invited member, if the link names one."""
    async with auth.db.transaction(link.scope) as session:
        own = (Member.tenant_id == link.invite.tenant_id, Member.id == link.invite.member_id)
        if await session.scalar(select(Member.id).where(*own)) is not None:
            subject, data = f"member:{link.invite.member_id}", {"address": link.address}
            append_audit(
                session, action=TenantAction.MEMBER_INVITATION_REFUSED, subject=subject, data=data, at=auth.clock()
            )
