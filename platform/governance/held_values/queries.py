"""Queries of held values."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from governance.held_values.schemas import HeldGroup


async def list_held(session: AsyncSession) -> Sequence[HeldGroup]:
    """List held values by connection and element, those held longest first. There are few: a client has a handful of
    connections and elements.
    """
    rows = await session.execute(
        text(f"""
            SELECT h.connection_id, n.name AS connection, h.element, h.n, h.oldest_at, h.newest_at,
                   k.element IS NOT NULL AS has_contract, s.name AS source
              FROM (SELECT connection_id, element, count(*) AS n, min(held_at) AS oldest_at, max(held_at) AS newest_at
                      FROM held_observation WHERE tenant_id = :t GROUP BY connection_id, element) h
              JOIN {CONNECTIONS} n ON n.tenant_id = :t AND n.id = h.connection_id
              LEFT JOIN element_contract k ON k.tenant_id = :t AND k.element = h.element
              LEFT JOIN {CONNECTIONS} s ON s.tenant_id = :t AND s.id = k.source_connection_id
             ORDER BY h.oldest_at, n.name, h.element
        """),
        {"t": scope_of(session).tenant_id},
    )
    return [HeldGroup(*row) for row in rows]
