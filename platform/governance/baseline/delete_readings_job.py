"""Job that deletes the readings of a discarded baseline; the decision and the counts of differences remain.

Runs in the lane of each system that was read, after the last writes of its read job.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from governance.baseline import job_types, repository
from governance.baseline.states import BaselineState

ROWS: Final = 5_000
"""Rows per batch and table: keeps batches short, and a killed worker repeats little."""


def _delete(table: str, which: str) -> TextClause:
    return text(f"""
        WITH gone AS (DELETE FROM {table} WHERE tenant_id = :t AND ctid = ANY (ARRAY(
            SELECT ctid FROM {table} WHERE tenant_id = :t AND baseline_id = :b {which}
             LIMIT :rows FOR UPDATE SKIP LOCKED)) RETURNING 1)
        SELECT count(*) FROM gone
    """)


_DELETE: Final = (_delete("baseline_reading", "AND connection_id = :c"), _delete("baseline_item", ""))


def deletion_jobs(baseline_id: UUID, connections: Iterable[UUID]) -> list[NewJob[NoPayload]]:
    """Deletion jobs under the key of the read job, so that a delayed retry of that job ends first."""
    key = str(baseline_id)
    return [
        NewJob(job_types.baseline_lane(one), job_types.DELETE_READINGS, key, ref=baseline_id) for one in connections
    ]


def delete_readings_handler() -> Handler[NoPayload]:
    async def delete_readings(batch: Batch[NoPayload]) -> None:
        baseline_id, connection_id = batch.items[0].ref, batch.connection_id
        async with batch.commit() as session:
            if baseline_id is not None and await delete_some(session, baseline_id, connection_id):
                enqueue(session, deletion_jobs(baseline_id, [connection_id]))

    return delete_readings


async def delete_some(session: AsyncSession, baseline_id: UUID, connection_id: UUID, *, rows: int = ROWS) -> bool:
    """Delete rows of one system of a discarded baseline. Returns whether there are more."""
    baseline = await repository.lock_baseline(session, baseline_id)
    if baseline is None or baseline.state != BaselineState.DISCARDED:
        return False
    keys = {"t": scope_of(session).tenant_id, "b": baseline_id, "c": connection_id, "rows": rows}
    return rows in [await session.scalar(statement, keys) for statement in _DELETE]
