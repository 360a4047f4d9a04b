"""Members that the search finds."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.marks import N_
from foundation.search_sources import FOUND_AT_MOST, SearchHit, SearchSource
from tenants.permissions import TenantPermission


async def find_members(session: AsyncSession, wanted: str) -> Sequence[SearchHit]:
    """Members of the scope's account whose name or address contains the text."""
    rows = await session.execute(
        text("""
            SELECT id, name, email FROM member
             WHERE tenant_id = :t AND (strpos(lower(name), lower(:wanted)) > 0 OR strpos(email, lower(:wanted)) > 0)
             ORDER BY name, id LIMIT :most
        """),
        {"t": scope_of(session).tenant_id, "wanted": wanted, "most": FOUND_AT_MOST},
    )
    return [SearchHit(id=str(row.id), title=row.name, path=f"/members/{row.id}", note=row.email) for row in rows]


SEARCHED_MEMBERS: Final = SearchSource(
    code="member", label=N_("Member"), icon="members", position=60, permission=TenantPermission.READ_MEMBERS,
    client=find_members, home=find_members,
)  # fmt: skip
