"""Sign-out of a member on every device."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import case, update
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from tenants.audit_actions import TenantAction
from tenants.models import Member
from tenants.states import AccountStatus


async def sign_out_everywhere(session: AsyncSession, *, member_id: UUID, now: datetime) -> None:
    """Refuse every session that began before `now`, even when the session store is unreachable. A suspended member
    keeps the time of the suspension, by which SCIM recognizes its own suspensions.
    """
    own = (Member.tenant_id == scope_of(session).tenant_id, Member.id == member_id)
    until = case((Member.status == AccountStatus.SUSPENDED, Member.signed_out_after), else_=now)
    if await session.scalar(update(Member).where(*own).values(signed_out_after=until).returning(Member.id)) is None:
        raise NotFound
    append_audit(
        session, action=TenantAction.MEMBER_SIGNED_OUT_EVERYWHERE, subject=f"member:{member_id}", data={}, at=now
    )
