"""SQL of element contracts."""

from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import ElementType
from foundation.database.engine import scope_of
from governance.elements.rows import Contract


async def load_contracts(session: AsyncSession) -> dict[str, Contract]:
    rows = await session.execute(
        text("""
            SELECT k.element, k.source_connection_id, k.propagation_slo_ms, k.correction_slo_ms, k.approval_ttl_s,
                   k.clocks_from, k.decision_slo_ms, e.code, e.label, e.domain, e.record_type, e.value_type,
                   e.dimensions, e.codes, e.distributed
              FROM element_contract k
              LEFT JOIN custom_element e ON e.tenant_id = k.tenant_id AND e.code = k.element
             WHERE k.tenant_id = :t
        """),
        {"t": scope_of(session).tenant_id},
    )
    return {row.element: _contract(row) for row in rows}


def _contract(row: Row[Any]) -> Contract:
    return Contract(
        row.element, row.source_connection_id, row.propagation_slo_ms, row.correction_slo_ms, row.approval_ttl_s,
        row.clocks_from, row.decision_slo_ms, _declared(row),
    )  # fmt: skip


def _declared(row: Row[Any]) -> ElementType | None:
    if row.code is None:
        return None
    return ElementType(
        code=row.code, label=row.label, domain=row.domain, record_type=row.record_type, value_type=row.value_type,
        dimensions=tuple(row.dimensions), codes=tuple(row.codes), distributed=row.distributed,
    )  # fmt: skip
