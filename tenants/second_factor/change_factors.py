"""Changes of a member's second factors, reported to the member by mail."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict
from foundation.marks import N_
from tenants.auth.services import AuthServices
from tenants.auth.sign_out import sign_out_everywhere
from tenants.factors.audit_actions import SecondFactorAction
from tenants.factors.passkeys import remove_passkeys
from tenants.factors.rules import is_required
from tenants.mail.mail_types import APP_REMOVED, APP_SET_UP
from tenants.mail.mailer import Portal
from tenants.members.change_member import require_over
from tenants.members.repository import get_member
from tenants.principal import Principal
from tenants.recipients import recipient_of


async def set_up_app(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, auth: AuthServices, member_id: UUID, code: str, *, portal: Portal, now: datetime
) -> Sequence[str]:
    """Confirm the member's own app. Returns the recovery codes.

    Raises:
        InvalidInput, Conflict: see `SecondFactors.confirm`.
    """
    codes = await auth.factors.confirm(session, member_id, code, now=now)
    to = await recipient_of(session, await get_member(session, member_id))
    await auth.mailer.queue(session, APP_SET_UP, to, portal=portal, now=now, at=now)
    return codes


async def remove_app(
    session: AsyncSession, auth: AuthServices, member: Principal, *, portal: Portal, now: datetime
) -> None:
    """Remove the member's own app.

    Raises:
        Conflict: a rule requires a second factor of the member, or there is none.
    """
    if await is_required(session, member.roles):
        raise Conflict(N_("Your account requires a second factor. Ask an administrator to remove yours."))
    if not await auth.factors.remove(session, member.id):
        raise Conflict(N_("No authenticator app is set up."))
    append_audit(session, action=SecondFactorAction.REMOVED, subject=f"member:{member.id}", data={}, at=now)
    await _tell(session, auth, member.id, member.name, portal, now)


async def reset_factors(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, auth: AuthServices, by: Principal, member_id: UUID, *, portal: Portal, now: datetime
) -> None:
    """Remove the factors of another member who lost them, and end the member's sessions.

    Raises:
        NotFound: this account has no such member.
        Conflict: the member is the caller, or the creator of the calling key.
        RoleNotAssignable: the member holds a role that the caller could not give.
    """
    member = await get_member(session, member_id)
    if member_id in {by.id, by.on_behalf_of_id}:
        raise Conflict(N_("You cannot reset your own factors. Ask another administrator of this account."))
    await require_over(session, by, member, auth=auth)
    await remove_factors(session, auth, member_id, portal=portal, now=now)


async def remove_factors(
    session: AsyncSession, auth: AuthServices, member_id: UUID, *, portal: Portal, now: datetime
) -> None:
    """Remove the factors, for administrators and the operator, after they have verified the member's identity."""
    await auth.factors.remove(session, member_id)
    await remove_passkeys(session, member_id)
    await sign_out_everywhere(session, member_id=member_id, now=now)
    append_audit(session, action=SecondFactorAction.RESET, subject=f"member:{member_id}", data={}, at=now)
    await _tell(session, auth, member_id, scope_of(session).actor.name, portal, now)


async def _tell(  # noqa: PLR0913, PLR0917 - the parts of one mail
    session: AsyncSession, auth: AuthServices, member_id: UUID, by: str, portal: Portal, now: datetime
) -> None:
    to = await recipient_of(session, await get_member(session, member_id))
    await auth.mailer.queue(session, APP_REMOVED, to, portal=portal, now=now, at=now, name=by)
