"""Timer job: opens an exception for each delivery past its target (see `governance.propagation.delivery`)."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import to_value
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from governance.elements.contracts import Contracts
from governance.elements.repository import load_contracts
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import open_exceptions
from governance.exceptions.rows import Exposure, NewException
from governance.messages import exceptions as messages
from governance.messages.parameters import about
from governance.propagation.delivery import ACTIVE_CHANNEL, COUNTING
from governance.propagation.distribute import start_clock
from governance.propagation.settlement import late_subject
from governance.propagation.states import PropagationState
from governance.records.keys import key_columns, key_of
from governance.services import GovernanceServices

_BATCH = 1000
_BREACH = text(f"""
    WITH due AS (
        SELECT p.change_id, p.connection_id FROM propagation p
         WHERE p.tenant_id = :t AND NOT p.breached AND p.{COUNTING} AND p.slo_due_at < :now AND {ACTIVE_CHANNEL}
         ORDER BY p.slo_due_at LIMIT :batch
    ), locked AS (
        SELECT p.change_id, p.connection_id FROM due JOIN propagation p USING (change_id, connection_id)
         WHERE p.tenant_id = :t AND NOT p.breached AND p.{COUNTING}
         ORDER BY p.change_id, p.connection_id FOR UPDATE OF p
    )
    UPDATE propagation p SET breached = true FROM locked
      JOIN {CONNECTIONS} c ON c.tenant_id = :t AND c.id = locked.connection_id
     WHERE p.tenant_id = :t AND p.change_id = locked.change_id AND p.connection_id = locked.connection_id
    RETURNING p.change_id, p.connection_id, {key_columns("p")}, p.value, p.previous_value, p.state, c.name,
              p.slo_due_at
""")
"""Rows are locked in the order of settlements (`governance.propagation.repository`), to avoid deadlocks."""

NEXT_BREACH: Final = text(f"""
    SELECT min(p.slo_due_at) FROM propagation p
     WHERE p.tenant_id = :t AND NOT p.breached AND p.{COUNTING} AND {ACTIVE_CHANNEL}
""")
_HOW: Final = {
    PropagationState.PENDING: messages.SLO_BREACHED_PENDING,
    PropagationState.ACCEPTED: messages.SLO_BREACHED_ACCEPTED,
    PropagationState.REFUSED: messages.SLO_BREACHED_REFUSED,
    PropagationState.FAILED: messages.SLO_BREACHED_FAILED,
}


def breach_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def check_clocks(batch: Batch[NoPayload]) -> None:
        async with batch.commit() as session:
            await breach_slos(session, services)

    return check_clocks


async def breach_slos(session: AsyncSession, services: GovernanceServices) -> int:
    """Mark late deliveries, open an exception for each, and set the timer to the next clock. Returns how many."""
    now = services.clock()
    tenant = {"t": scope_of(session).tenant_id}
    rows = (await session.execute(_BREACH, {**tenant, "now": now, "batch": _BATCH})).all()
    contracts = await load_contracts(session) if rows else Contracts()
    late = [
        NewException(
            code=ExceptionType.PROPAGATION_SLO_BREACHED,
            subject=late_subject(row.change_id, row.connection_id),
            message=_HOW[row.state].fill(name=row.name, **about(key_of(row))),
            correction_slo_ms=contract.correction_slo_ms if (contract := contracts.find(key_of(row))) else None,
            exposure=Exposure(to_value(row.previous_value), to_value(row.value)),
            channels=1,
            key=key_of(row),
            connection_id=row.connection_id,
            change_id=row.change_id,
        )
        for row in rows
    ]
    await open_exceptions(session, late, now=now, new_id=services.new_id)
    for row in rows:
        services.metrics.late(scope_of(session).tenant_id, row.connection_id)
    following = await session.scalar(NEXT_BREACH, tenant)
    if following is not None:
        await start_clock(session, following)
    return len(rows)
