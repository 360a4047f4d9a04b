"""Requests for access, for pages."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from tenants.models import AccessGrant
from tenants.states import AccessState

WAITING = f"SELECT 1 FROM access_grant WHERE tenant_id = :t AND state = '{AccessState.REQUESTED}'"
"""One row per request that waits for an answer, for the menu's badge."""


async def waiting_request(session: AsyncSession, member_id: UUID) -> AccessGrant | None:
    """The member's pending request for access to the scope's client."""
    own = (AccessGrant.tenant_id == scope_of(session).tenant_id, AccessGrant.member_id == member_id)
    found: AccessGrant | None = await session.scalar(
        select(AccessGrant).where(*own, AccessGrant.state == AccessState.REQUESTED)
    )
    return found
