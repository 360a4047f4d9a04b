"""SQL of element contracts."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from governance.elements.rows import Contract


async def load_contracts(session: AsyncSession) -> dict[str, Contract]:
    rows = await session.execute(
        text("""
            SELECT element, source_connection_id, propagation_slo_ms, correction_slo_ms, approval_ttl_s, clocks_from,
                   decision_slo_ms
              FROM element_contract WHERE tenant_id = :t
        """),
        {"t": scope_of(session).tenant_id},
    )
    return {row.element: Contract(*row) for row in rows}
