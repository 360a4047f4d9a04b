"""Device links: an administrator unblocks a member's sign-in, at once, in a browser that is delayed by others' failed
attempts.

A network from which somebody guesses an account's password must wait up to 15 minutes, and so must a member with a new
device in it. The link makes a browser a known device of the member, with its own counter. It does not sign
in: the password is still required. So it may be used more than once within its hour, and a thief gains four more
guesses.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from tenants.audit_actions import TenantAction
from tenants.auth.services import AuthServices
from tenants.members.confirmation import require_joined
from tenants.members.repository import get_member
from tenants.models import Member


async def issue_device_link(
    session: AsyncSession, auth: AuthServices, *, member_id: UUID, now: datetime
) -> tuple[Member, str]:
    """Returns the member and the link's token.

    Raises:
        NotFound: no such member in this account.
        Conflict: the member has not joined yet, or is suspended.
    """
    member, scope = await get_member(session, member_id), scope_of(session)
    require_joined(member)
    token = auth.devices.remember(
        "", msp_id=scope.msp_id, tenant_id=scope.tenant_id, member_id=member.id, now=now
    )  # fmt: skip
    append_audit(session, action=TenantAction.MEMBER_SIGN_IN_UNBLOCKED, subject=f"member:{member.id}", data={}, at=now)
    return member, token
