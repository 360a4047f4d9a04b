"""Queries of held values."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from governance.elements.selection import join_selecting
from governance.elements.value_hold import IS_HOLDING
from governance.held_values.schemas import HeldGroup


async def list_held(session: AsyncSession) -> Sequence[HeldGroup]:
    """List held values by connection and element, those held longest first. There are few: a client has a handful of
    connections and elements.
    """
    rows = await session.execute(
        text(f"""
            SELECT h.connection_id, n.name AS connection, h.element, CAST(sum(h.n) AS bigint), min(h.oldest_at),
                   max(h.newest_at), EXISTS (SELECT 1 FROM element_contract c WHERE c.tenant_id = :t
                                              AND c.element = h.element) AS has_contract,
                   string_agg(DISTINCT s.name, ', ') AS source,
                   CAST(coalesce(sum(h.n) FILTER (WHERE k.element IS NULL), 0) AS bigint) AS unselected,
                   EXISTS (SELECT 1 FROM custom_element e WHERE e.tenant_id IN (:t, :m) AND e.code = h.element
                              AND e.retired_at IS NOT NULL) AS is_retired, {IS_HOLDING} AS awaits_baseline
              FROM (SELECT g.connection_id, g.element, coalesce(own.selector, '') AS selector, count(*) AS n,
                           min(g.held_at) AS oldest_at, max(g.held_at) AS newest_at
                      FROM held_observation g {join_selecting("g")} WHERE g.tenant_id = :t GROUP BY 1, 2, 3) h
              JOIN {CONNECTIONS} n ON n.tenant_id = :t AND n.id = h.connection_id
              LEFT JOIN element_contract k ON k.tenant_id = :t AND k.element = h.element AND k.selector = h.selector
              LEFT JOIN {CONNECTIONS} s ON s.tenant_id = :t AND s.id = k.source_connection_id
             GROUP BY h.connection_id, n.name, h.element
             ORDER BY min(h.oldest_at), n.name, h.element
        """),
        {"t": scope_of(session).tenant_id, "m": scope_of(session).msp_id},
    )
    return [HeldGroup(*row) for row in rows]
