"""Registration and removal of a member's own passkeys, reported to the member by mail."""

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.ids import new_id
from tenants.auth.identity import SignedIn
from tenants.auth.services import AuthServices
from tenants.factors.passkeys import Host, PasskeyRefused, add_passkey, read_registration_challenge, remove_passkey
from tenants.mail.mail_types import PASSKEY_ADDED, PASSKEY_REMOVED, MailType
from tenants.mail.mailer import Portal
from tenants.members.repository import get_member
from tenants.passkeys.audit_actions import PasskeyAction
from tenants.recipients import recipient_of

REGISTER: Final = "passkey-register"


async def register_passkey(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, auth: AuthServices, who: SignedIn, host: Host, *, response: str, name: str, portal: Portal
) -> None:
    """Store the passkey of a registration that this host began.

    Raises:
        PasskeyRefused: the response is not valid, or came too late.
        Conflict: the passkey is registered already, or the member has too many.
        InvalidInput: the name is not valid.
    """
    now, member = auth.clock(), who.principal
    challenge = read_registration_challenge(response)
    if not auth.challenges.is_live(challenge, member.msp_id, REGISTER, now=now):
        raise PasskeyRefused
    passkey_id = new_id()
    await add_passkey(session, host, member.id, response, challenge, name=name, passkey_id=passkey_id, now=now)
    if not await auth.challenges.spend(challenge, member.msp_id):
        raise PasskeyRefused
    await _note(session, auth, who, PasskeyAction.ADDED, PASSKEY_ADDED, name, portal)


async def drop_passkey(
    session: AsyncSession, auth: AuthServices, who: SignedIn, passkey_id: UUID, *, portal: Portal
) -> None:
    """Raises: NotFound."""
    name = await remove_passkey(session, who.principal.id, passkey_id)
    await _note(session, auth, who, PasskeyAction.REMOVED, PASSKEY_REMOVED, name, portal)


async def _note(  # noqa: PLR0913, PLR0917 - one change, audited and reported
    session: AsyncSession, auth: AuthServices, who: SignedIn, action: PasskeyAction, kind: MailType, name: str,
    portal: Portal,
) -> None:  # fmt: skip
    now, member_id = auth.clock(), who.principal.id
    append_audit(session, action=action, subject=f"member:{member_id}", data={"name": name}, at=now)
    to = await recipient_of(session, await get_member(session, member_id))
    await auth.mailer.queue(session, kind, to, portal=portal, now=now, at=now, name=name)
