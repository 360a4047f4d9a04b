"""Sign-out of a member on every device."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from tenants.audit_actions import TenantAction
from tenants.models import Member


async def sign_out_everywhere(session: AsyncSession, *, member_id: UUID, now: datetime) -> None:
    """Refuse every session that began before `now`, even when the session store is unreachable."""
    own = (Member.tenant_id == scope_of(session).tenant_id, Member.id == member_id)
    if await session.scalar(update(Member).where(*own).values(signed_out_after=now).returning(Member.id)) is None:
        raise NotFound
    append_audit(
        session, action=TenantAction.MEMBER_SIGNED_OUT_EVERYWHERE, subject=f"member:{member_id}", data={}, at=now
    )
