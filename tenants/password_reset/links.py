"""Links with which a member chooses a new password: created, sent, checked and used up."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict
from foundation.marks import N_
from foundation.scope import Actor, Scope
from tenants.accounts import get_client, get_msp
from tenants.auth.account_names import read_account_names
from tenants.auth.passwords import check_repeated
from tenants.auth.services import AuthServices
from tenants.errors import InviteNotValid
from tenants.mail.mail_types import PASSWORD_CHANGED, PASSWORD_RESET
from tenants.mail.mailer import Portal
from tenants.members.repository import Invite, get_member, set_password
from tenants.models import Member
from tenants.password_reset.audit_actions import PasswordResetAction
from tenants.password_reset.models import PasswordReset
from tenants.recipients import recipient_of
from tenants.secrets import text_of
from tenants.states import AccountStatus

LIFE: Final = timedelta(hours=1)
_AGAIN_AFTER: Final = timedelta(minutes=2)
"""A member gets at most one mail in this time, from however many networks it is requested."""
_SECRET_BYTES: Final = 32
_LINK: Final = Actor.system("password-reset")


@dataclass(frozen=True, slots=True)
class ResetLink:
    """A link that was opened at network address `address`, on a host of this MSP. `token` is parsed, not verified."""

    msp_id: UUID
    token: Invite
    address: str

    @property
    def scope(self) -> Scope:
        return Scope(msp_id=self.msp_id, tenant_id=self.token.tenant_id, actor=_LINK)


async def send_reset_link(
    session: AsyncSession, auth: AuthServices, member: Member, *, portal: Portal, now: datetime
) -> bool:
    """Queue a mail with a new link; it replaces the earlier one. False within minutes of the previous mail.

    Raises:
        Conflict: the member is suspended, or never had a password.
    """
    if member.status != AccountStatus.ACTIVE or member.password_hash is None:
        raise Conflict(N_("This member is suspended, or has not chosen a first password yet."))
    scope = scope_of(session)
    own = (PasswordReset.tenant_id == scope.tenant_id, PasswordReset.member_id == member.id)
    earlier = await session.scalar(select(PasswordReset).where(*own).with_for_update())
    if earlier is not None and timedelta(0) <= now - earlier.created_at < _AGAIN_AFTER:
        return False
    secret = auth.new_secret(_SECRET_BYTES)
    values = {"token_hash": hashlib.sha256(secret).digest(), "created_at": now, "expires_at": now + LIFE}
    new = insert(PasswordReset).values(
        tenant_id=scope.tenant_id, msp_id=scope.msp_id, member_id=member.id, **values
    )  # fmt: skip
    await session.execute(new.on_conflict_do_update(index_elements=["tenant_id", "member_id"], set_=values))
    account = await (get_msp(session) if scope.tenant_id == scope.msp_id else get_client(session))
    token = f"{member.tenant_id.hex}{member.id.hex}{text_of(secret)}"
    await auth.mailer.queue(
        session, PASSWORD_RESET, await recipient_of(session, member), portal=portal, now=now, account=account.name,
        link=f"{portal.origin}/reset-password/{token}", until=now + LIFE,
    )  # fmt: skip
    append_audit(session, action=PasswordResetAction.LINK_SENT, subject=f"member:{member.id}", data={}, at=now)
    return True


async def preview_reset(auth: AuthServices, link: ResetLink) -> Member:
    """The member of a valid link, which is not used up.

    Raises:
        InviteNotValid: unknown, used, replaced or expired; one message for all.
        SignInThrottled: too many invalid links before.
    """
    now, counted = auth.clock(), f"password-reset:{link.token.member_id}"
    attempt = await auth.throttle.reserve(msp_id=link.msp_id, email=counted, address=link.address, now=now)
    async with auth.db.transaction(link.scope) as session:
        member = await _find(session, link.token, now=now)
    await auth.throttle.release(attempt)
    return member


async def reset_password(auth: AuthServices, link: ResetLink, *, password: str, again: str, portal: Portal) -> None:
    """Set the password, end all sessions of the member, and notify the member by mail. Does not sign in, because a
    second factor may be needed.

    Raises:
        WeakPassword: the link stays valid.
        InviteNotValid, SignInThrottled: see `preview_reset`.
    """
    try:
        member = await preview_reset(auth, link)
        check_repeated(password, again)
        names = [member.name, *await read_account_names(auth.db, link.scope)]
        password_hash = await auth.passwords.prepare(password, email=member.email, names=names)
        async with auth.db.transaction(link.scope) as session:
            await _use(session, auth, link, password_hash, portal)
    except InviteNotValid:
        await _note_refusal(auth, link)
        raise
    await auth.sessions.end_all(msp_id=link.msp_id, member_id=member.id)


async def _use(session: AsyncSession, auth: AuthServices, link: ResetLink, password_hash: str, portal: Portal) -> None:
    now = auth.clock()
    member = await _find(session, link.token, now=now, lock=True)
    own = (PasswordReset.tenant_id == member.tenant_id, PasswordReset.member_id == member.id)
    await session.execute(delete(PasswordReset).where(*own))
    await set_password(session, member_id=member.id, password_hash=password_hash, now=now)
    await auth.mailer.queue(
        session, PASSWORD_CHANGED, await recipient_of(session, member), portal=portal, now=now, at=now
    )


async def _find(session: AsyncSession, token: Invite, *, now: datetime, lock: bool = False) -> Member:
    """Raises: InviteNotValid."""
    own = (PasswordReset.tenant_id == token.tenant_id, PasswordReset.member_id == token.member_id)
    query = select(PasswordReset).where(*own)
    found = await session.scalar(query.with_for_update() if lock else query)
    known = bytes(found.token_hash) if found is not None else bytes(_SECRET_BYTES)
    right = hmac.compare_digest(hashlib.sha256(token.secret).digest(), known)
    if found is None or not right or not now < found.expires_at:
        raise InviteNotValid
    member = await get_member(session, token.member_id)
    if member.status != AccountStatus.ACTIVE:
        raise InviteNotValid
    return member


async def _note_refusal(auth: AuthServices, link: ResetLink) -> None:
    """Audit the refusal in the account of the member, if the link names one."""
    async with auth.db.transaction(link.scope) as session:
        own = (Member.tenant_id == link.token.tenant_id, Member.id == link.token.member_id)
        if await session.scalar(select(Member.id).where(*own)) is not None:
            append_audit(
                session, action=PasswordResetAction.LINK_REFUSED, subject=f"member:{link.token.member_id}",
                data={"address": link.address}, at=auth.clock(),
            )  # fmt: skip
