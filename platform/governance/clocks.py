"""Job of time: propagation clocks that ran out become exceptions."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.lanes.jobs import Handler
from foundation.lanes.run import LaneRun
from governance.context import Context
from governance.exceptions import open_exceptions
from governance.outcome import late_subject
from governance.planning import DEFAULT_CORRECTION_MS
from governance.repository import load_contracts
from governance.rows import NewException
from governance.wording import name_subject
from governance.writing import start_clock

_BATCH = 1000
_BREACH = text("""
    WITH due AS (
        SELECT p.change_id, p.connection_id FROM propagation p
         WHERE p.tenant_id = :t AND NOT p.breached AND p.state IN ('pending', 'accepted') AND p.slo_due_at <= :now
         ORDER BY p.slo_due_at LIMIT :batch FOR UPDATE
    )
    UPDATE propagation p SET breached = true FROM due JOIN connection c ON c.tenant_id = :t AND c.id = due.connection_id
     WHERE p.tenant_id = :t AND p.change_id = due.change_id AND p.connection_id = due.connection_id
    RETURNING p.change_id, p.connection_id, p.record_key, p.element, p.amount, p.previous_amount, p.state, c.name,
              p.slo_due_at
""")


def clocks_handler(context: Context) -> Handler:
    async def check_clocks(run: LaneRun) -> None:
        async with run.finishing() as session:
            await breach_clocks(session, context)

    return check_clocks


async def breach_clocks(session: AsyncSession, context: Context) -> int:
    """Mark what is late, open an exception for each, and set the timer to the next clock. Returns how many."""
    now = context.clock()
    tenant = {"t": scope_of(session).tenant_id}
    rows = (await session.execute(_BREACH, {**tenant, "now": now, "batch": _BATCH})).all()
    contracts = await load_contracts(session) if rows else {}
    late = [
        NewException(
            code="propagation.late",
            subject=late_subject(row.change_id, row.connection_id),
            title=f"{row.name} does not show an approved value in time",
            detail=f"{name_subject(row.element, row.record_key)}: "
            + ("accepted by the channel, but not visible there." if row.state == "accepted" else "not taken yet.")
            + " The clock keeps running until the value is seen.",
            correction_slo_ms=contracts[row.element].correction_slo_ms
            if row.element in contracts
            else DEFAULT_CORRECTION_MS,
            exposure_minor=row.amount - (row.previous_amount or 0),
            channels=1,
            record_key=row.record_key,
            element=row.element,
            connection_id=row.connection_id,
            change_id=row.change_id,
        )
        for row in rows
    ]
    await open_exceptions(session, late, now=now, new_id=context.new_id)
    following = (
        await session.execute(
            text("""
                SELECT min(slo_due_at) FROM propagation
                 WHERE tenant_id = :t AND NOT breached AND state IN ('pending', 'accepted')
            """),
            tenant,
        )
    ).scalar()
    if following is not None:
        await start_clock(session, following)
    return len(rows)
