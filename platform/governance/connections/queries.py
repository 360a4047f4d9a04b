"""Queries of connection health, backlogs and element contracts."""

from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from governance.connections.schemas import ConnectionView, ContractView
from governance.job_types import ingest_lane, push_lane, verify_lane

MANY: Final = 10_000


async def list_health(session: AsyncSession) -> list[ConnectionView]:
    """List connections: sources first, then channels by name."""
    tenant = {"t": scope_of(session).tenant_id}
    known = (
        await session.execute(
            text("""
                SELECT n.id, n.kind, n.role, n.name, n.base_url, n.state, p.name AS partner, n.last_success_at,
                       n.last_failure_at, n.last_error
                  FROM connection n
                  LEFT JOIN partner p ON p.tenant_id = n.tenant_id AND p.partner_id = n.partner_id
                 WHERE n.tenant_id = :t ORDER BY n.role <> 'erp', n.name, n.id
            """),
            tenant,
        )
    ).all()
    lanes = [[ingest_lane(row.id), push_lane(row.id), verify_lane(row.id)] for row in known]
    waiting = await session.execute(
        text("""
            SELECT l.place, count(w.enqueued_at) AS waiting, min(w.enqueued_at) AS oldest
              FROM unnest(CAST(:ingest AS varchar[]), CAST(:push AS varchar[]), CAST(:verify AS varchar[]))
                       WITH ORDINALITY AS l (ingest, push, verify, place)
              LEFT JOIN LATERAL (
                   SELECT j.enqueued_at FROM job j
                    WHERE j.tenant_id = :t AND j.lane IN (l.ingest, l.push, l.verify) LIMIT :many) w ON true
             GROUP BY l.place ORDER BY l.place
        """),
        {
            **tenant,
            "ingest": [names[0] for names in lanes],
            "push": [names[1] for names in lanes],
            "verify": [names[2] for names in lanes],
            "many": MANY,
        },
    )
    return [ConnectionView(*(*row, lane.waiting, lane.oldest)) for row, lane in zip(known, waiting, strict=True)]


async def list_contracts(session: AsyncSession) -> list[ContractView]:
    rows = await session.execute(
        text("""
            SELECT k.element, k.owner, k.workflow,
                   coalesce(n.name, CASE WHEN k.source_connection_id IS NULL THEN 'people and API clients'
                                         ELSE 'a connection that is gone' END) AS source,
                   k.propagation_slo_ms, k.correction_slo_ms, k.decision_slo_ms, k.approval_ttl_s, k.version,
                   k.published_at
              FROM element_contract k
              LEFT JOIN connection n ON n.tenant_id = k.tenant_id AND n.id = k.source_connection_id
             WHERE k.tenant_id = :t ORDER BY k.element
        """),
        {"t": scope_of(session).tenant_id},
    )
    return [
        ContractView(
            row.element, row.source, row.owner, row.workflow, timedelta(milliseconds=row.propagation_slo_ms),
            timedelta(milliseconds=row.correction_slo_ms), timedelta(milliseconds=row.decision_slo_ms),
            timedelta(seconds=row.approval_ttl_s), row.version, row.published_at,
        )
        for row in rows
    ]  # fmt: skip
