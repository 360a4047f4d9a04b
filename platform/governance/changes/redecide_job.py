"""Redecide job: decides an approved value for a channel again after the data of its decision has changed.

A value that passes becomes a new change for these channels only; its propagation supersedes the stale one.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.i18n.messages import MessageType
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from governance.changes.plan_writer import write_plan
from governance.changes.planner import DecisionSnapshot, Plan, is_exception_of_one_channel, propose
from governance.changes.read_observations import load_snapshot
from governance.changes.repository import load_changes
from governance.changes.rows import ChangeRow
from governance.changes.states import ChangeState
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import open_exceptions
from governance.exceptions.rows import Exposure, NewException
from governance.job_types import Redecide
from governance.messages import exceptions as messages
from governance.messages.parameters import about
from governance.propagation.settlement import late_subject
from governance.propagation.states import RUNNING
from governance.records.keys import same_key
from governance.services import GovernanceServices

_BY_DECISION = {
    ChangeState.AWAITING_APPROVAL: messages.REDECIDED_AWAITING,
    ChangeState.REFUSED: messages.REDECIDED_REFUSED,
}


def redecide_handler(services: GovernanceServices) -> Handler[Redecide]:
    async def redecide_changes(batch: Batch[Redecide]) -> None:
        wanted = [(item.ref, item.payload.connection_id) for item in batch.items if item.ref]
        async with batch.commit() as session:
            await redecide(session, services, wanted)

    return redecide_changes


async def redecide(session: AsyncSession, services: GovernanceServices, wanted: Sequence[tuple[UUID, UUID]]) -> None:
    """Decide again each (change, connection) of `wanted`. Each ends with a running propagation or an open exception."""
    changes = await load_changes(session, [change_id for change_id, _ in wanted], lock=False)
    snapshot = await load_snapshot(session, services, {c.key for c in changes})
    waiting = await _waiting(session, wanted)
    for change in changes:
        targets = sorted({connection for change_id, connection in waiting if change_id == change.id})
        if targets:
            await _decide(session, change, targets, snapshot)


async def _waiting(session: AsyncSession, wanted: Sequence[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Return the pairs whose approval is stale, or whose value was verified and changed on the channel since, without a
    newer running propagation.
    """
    rows = await session.execute(
        text(f"""
            SELECT p.change_id, p.connection_id
              FROM unnest(CAST(:changes AS uuid[]), CAST(:connections AS uuid[])) AS k (change_id, connection_id),
                   LATERAL (SELECT * FROM propagation p WHERE p.tenant_id = :t AND p.change_id = k.change_id
                               AND p.connection_id = k.connection_id
                               AND p.state IN ('stale_approval', 'verified') OFFSET 0) p
             WHERE NOT EXISTS (SELECT 1 FROM propagation n WHERE n.tenant_id = :t AND n.connection_id = p.connection_id
                                  AND {same_key("n", "p")} AND n.version > p.version
                                  AND n.{RUNNING})
        """),
        {
            "t": scope_of(session).tenant_id,
            "changes": [change for change, _ in wanted],
            "connections": [connection for _, connection in wanted],
        },
    )
    return {(row.change_id, row.connection_id) for row in rows}


async def _decide(session: AsyncSession, change: ChangeRow, targets: list[UUID], snapshot: DecisionSnapshot) -> None:
    row = snapshot.values[change.key]
    is_current = row.value == change.new_value or is_exception_of_one_channel(change)
    if is_current and not snapshot.awaiting.get(change.key):
        plan = Plan(values={change.key: row})
        decided = propose(change.again(targets), row, snapshot, plan)
        await write_plan(session, plan, snapshot)
        found = [
            _exception(change, connection_id, _BY_DECISION[ChangeState.of(each.state)])
            for each in decided
            if each.state != ChangeState.RELEASED
            for connection_id in each.targets or targets
        ]
    else:
        found = [_exception(change, connection_id, messages.REDECIDED_SUPERSEDED) for connection_id in targets]
    await open_exceptions(session, found, now=snapshot.now, new_id=snapshot.new_id)


def _exception(change: ChangeRow, connection_id: UUID, why: MessageType) -> NewException:
    return NewException(
        code=ExceptionType.APPROVAL_STALE,
        subject=late_subject(change.id, connection_id),
        message=why.fill(**about(change.key)),
        exposure=Exposure(change.old_value, change.new_value),
        channels=1,
        key=change.key,
        connection_id=connection_id,
        change_id=change.id,
        correlation=change.correlation,
    )
