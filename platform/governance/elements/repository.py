"""SQL of element contracts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import ElementType
from foundation.database.engine import scope_of
from foundation.database.locks import lock, lock_shared
from foundation.i18n.negotiation import zone_of
from governance.elements.contracts import Contracts
from governance.elements.declarations import RETIRED, declares
from governance.elements.models import ElementContract
from governance.elements.rows import Contract
from governance.elements.schemas import Sensitivity, Workflow
from governance.elements.selection import is_contract_of
from governance.elements.value_hold import IS_HOLDING
from governance.elements.value_rules import ValueRules
from tenants.relations import CLIENTS


async def load_contracts(session: AsyncSession) -> Contracts:
    found = await session.execute(
        text(f"""
            SELECT k.element, k.selector, k.source_connection_id, k.propagation_slo_ms, k.correction_slo_ms,
                   k.approval_ttl_s, k.clocks_from, k.decision_slo_ms, k.value_rules, k.version, k.sensitivity,
                   k.workflow, k.channels, e.code, e.label, e.domain, e.record_type,
                   e.value_type, e.dimensions, e.codes, e.distributed, e.retired_at, {IS_HOLDING} AS holds,
                   {RETIRED} AS retired, (SELECT c.time_zone FROM {CLIENTS} c WHERE c.tenant_id = :t) AS time_zone
              FROM element_contract k
              LEFT JOIN custom_element e ON {declares("e", "k")} AND e.code = k.element
             WHERE k.tenant_id = :t
        """),
        {"t": scope_of(session).tenant_id, "m": scope_of(session).msp_id},
    )
    rows = found.all()
    if not rows:
        return Contracts()
    first = rows[0]
    zone = zone_of(first.time_zone or "")
    return Contracts(map(_contract, rows), holds=first.holds, retired=first.retired, zone=zone)


async def lock_contracts(session: AsyncSession) -> None:
    """Lock the client's contracts, so that two that overlap are not published at once, and no batch of observations is
    decided by contracts that are being replaced.
    """
    await lock(session, _lock_name(session))


async def share_contracts(session: AsyncSession) -> None:
    """Keep the client's contracts from changing until the transaction ends. Taken before any row lock, because a
    publication locks rows while it holds the contracts.
    """
    await lock_shared(session, _lock_name(session))


def _lock_name(session: AsyncSession) -> str:
    return f"contracts|{scope_of(session).tenant_id}"


async def list_contracts_of(session: AsyncSession, element: str) -> Sequence[ElementContract]:
    rows = await session.scalars(
        select(ElementContract)
        .where(ElementContract.tenant_id == scope_of(session).tenant_id, ElementContract.element == element)
        .order_by(ElementContract.selector)
    )
    return rows.all()


async def moved_records(session: AsyncSession, contract: ElementContract, *, before: UUID | None) -> dict[str, object]:
    """Facts for the audit trail: the previous source, and the number of its values that the contract now selects."""
    count = await session.scalar(
        text(f"""
            SELECT count(*) FROM record_value v JOIN element_contract k ON k.tenant_id = v.tenant_id
               AND k.element = :element AND k.selector = :selector AND {is_contract_of("k", "v")}
             WHERE v.tenant_id = :t AND v.element = :element AND v.source_connection_id IS NOT DISTINCT FROM :before
        """),
        {
            "t": contract.tenant_id,
            "element": contract.element,
            "selector": contract.selector,
            "before": before,
        },
    )
    return {"before": None if before is None else str(before), "values": count}


def _contract(row: Row[Any]) -> Contract:
    return Contract(
        row.element, row.source_connection_id, row.propagation_slo_ms, row.correction_slo_ms, row.approval_ttl_s,
        row.clocks_from, row.decision_slo_ms, _declared(row), row.selector, row.retired_at is not None,
        msgspec.convert(row.value_rules, ValueRules), row.version,
        row.sensitivity == Sensitivity.REGULATED, row.workflow == Workflow.ALWAYS_APPROVE,
        None if row.channels is None else frozenset(row.channels),
    )  # fmt: skip


def _declared(row: Row[Any]) -> ElementType | None:
    if row.code is None:
        return None
    return ElementType(
        code=row.code, label=row.label, domain=row.domain, record_type=row.record_type, value_type=row.value_type,
        dimensions=tuple(row.dimensions), codes=tuple(row.codes), distributed=row.distributed,
    )  # fmt: skip
