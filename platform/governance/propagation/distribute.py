"""Enqueues propagations in the channels' push lanes and starts their clocks."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.bulk import BulkWrite
from foundation.jobs.enqueue import NewJob, enqueue, set_timer
from governance import job_types
from governance.propagation.rows import PropagationRow
from governance.records.keys import KEY_TYPES

_INSERT_PROPAGATIONS = BulkWrite.insert(
    "propagation",
    {
        "change_id": "uuid", "connection_id": "uuid", "partner_id": "uuid", "id": "uuid", **KEY_TYPES,
        "value": "jsonb", "version": "bigint", "state": "varchar",
        "committed_at": "timestamptz", "released_at": "timestamptz", "slo_due_at": "timestamptz",
        "excluded": "interval", "excluded_until": "timestamptz",
    },
)  # fmt: skip


async def insert_propagations(session: AsyncSession, rows: Sequence[PropagationRow]) -> None:
    await _INSERT_PROPAGATIONS.execute(session, rows)


async def distribute(session: AsyncSession, rows: Sequence[PropagationRow]) -> None:
    """Insert propagations, enqueue their push jobs and start their clocks."""
    await insert_propagations(session, rows)
    enqueue(
        session,
        [
            NewJob(
                job_types.push_lane(row.connection_id),
                job_types.PUSH,
                key=row.key.joined("|"),
                ref=row.change_id,
                correlation=row.correlation,
            )
            for row in rows
        ],
    )
    if rows:
        await start_clock(session, min(row.slo_due_at for row in rows))


async def start_clock(session: AsyncSession, due_at: datetime) -> None:
    await set_timer(
        session,
        name=job_types.BREACH_SLOS.name,
        lane=job_types.TIMER_LANE,
        job_type=job_types.BREACH_SLOS,
        due_at=due_at,
    )
