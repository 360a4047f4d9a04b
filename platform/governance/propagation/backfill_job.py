"""Backfill job: sends a resumed channel the values released during its pause, which no other job would send."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import REFERENCE_ELEMENTS
from canonical.values import read_value
from connectors.connections import find_missing_since, note_backfilled
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import Handler
from governance.elements.declarations import is_retired
from governance.elements.selection import is_contract_of
from governance.job_types import BACKFILL_CHANNEL, BackfillChannel
from governance.propagation.distribute import distribute
from governance.propagation.pause import exclude_pause, resolve_pause
from governance.propagation.rows import PropagationRow
from governance.propagation.states import PropagationState
from governance.records.keys import key_columns, key_of, same_key
from governance.records.repository import load_channels, load_values
from governance.records.routing import takes_value
from governance.services import GovernanceServices
from policy.relations import APPROVALS

VALUES_A_TURN: Final = 500
_MARGIN: Final = timedelta(minutes=1)
"""Margin for releases that ran concurrently with the pause or the resumption and may have seen the channel paused."""
_MISSED: Final = text(f"""
    SELECT c.id AS change_id, {key_columns("v")}, c.new_value, c.version, c.correlation,
           k.propagation_slo_ms, c.committed_at, coalesce(c.decided_at, c.proposed_at) AS released_at
      FROM record_value v
      JOIN change c ON c.tenant_id = :t AND c.id = v.change_id
      JOIN element_contract k ON k.tenant_id = :t AND {is_contract_of("k", "v")} AND NOT {is_retired("k")}
      JOIN {CONNECTIONS} n ON n.tenant_id = :t AND n.id = :connection
      LEFT JOIN {APPROVALS} a ON a.tenant_id = :t AND a.id = c.approval_id
     WHERE v.tenant_id = :t AND v.element <> ALL (:unsent) AND {takes_value("n", "v")}
       AND c.state = 'released' AND :element IN ('', v.element)
       AND greatest(c.proposed_at, c.decided_at, a.used_at) >= :since
       AND (c.targets IS NULL OR :connection = ANY (c.targets))
       AND NOT EXISTS (SELECT 1 FROM propagation p
                        WHERE p.tenant_id = :t AND p.connection_id = :connection AND {same_key("p", "v")}
                          AND p.version >= c.version)
     ORDER BY {key_columns("v")} LIMIT :limit
""")


def backfill_handler(services: GovernanceServices) -> Handler[BackfillChannel]:
    """Handler that runs once more after the margin.

    A channel that was paused again before its backfill finished keeps the time since when it may lack values, and the
    next backfill begins there.
    """

    async def backfill(batch: Batch[BackfillChannel]) -> None:
        item = batch.items[0]
        channel_id, payload = item.ref, item.payload
        if channel_id is None:
            return
        since = payload.since - _MARGIN
        following = NewJob(batch.lane, BACKFILL_CHANNEL, item.key, ref=channel_id, payload=payload)
        async with batch.commit() as session:
            if not payload.element:
                if not payload.last:
                    await resolve_pause(session, channel_id, now=services.clock())
                await exclude_pause(session, channel_id, since=payload.since, now=payload.resumed_at)
            missing = await find_missing_since(session, channel_id)
            begin = since if missing is None else min(since, missing - _MARGIN)
            found = await backfill_channel(session, services, channel_id, since=begin, element=payload.element)
            if found == VALUES_A_TURN:
                enqueue(session, [following])
            elif not payload.last:
                # Under a key of its own, so that it does not block other events about this channel.
                last = replace(following, key=f"{item.key}/last", payload=replace(payload, last=True))
                enqueue(session, [replace(last, delay=_MARGIN.total_seconds())])
            elif missing is not None and not payload.element:
                await note_backfilled(session, channel_id, since=missing)

    return backfill


async def backfill_channel(
    session: AsyncSession, services: GovernanceServices, connection_id: UUID, *, since: datetime, element: str = ""
) -> int:
    """Distribute missed values, of one element if it is given. Delivery targets count from now, because the channel
    could not get them before.

    Returns the number of values, at most VALUES_A_TURN.
    """
    channels = await load_channels(session, services.runtime.registry)
    channel = next((one for one in channels if one.connection_id == connection_id), None)
    if channel is None:  # a source, or paused again
        return 0
    keys = {
        "t": scope_of(session).tenant_id,
        "connection": connection_id,
        "since": since,
        "element": element,
        "unsent": sorted(REFERENCE_ELEMENTS),
        "limit": VALUES_A_TURN,
    }
    found = (await session.execute(_MISSED, keys)).all()
    locked = await load_values(session, [key_of(row) for row in found])
    still = [row for row in await session.execute(_MISSED, keys) if key_of(row) in locked]
    now = services.clock()
    await distribute(
        session,
        [
            PropagationRow(
                *key_of(row), row.change_id, connection_id, channel.partner_id, services.new_id(),
                read_value(row.new_value), row.version, PropagationState.PENDING, row.committed_at,
                row.released_at, now + timedelta(milliseconds=row.propagation_slo_ms), row.correlation,
                now - row.released_at, now,
            )
            for row in still
            if channel.accepts(key_of(row))
        ],
    )  # fmt: skip
    return len(found)
