"""Drift scan job: reads the values of a channel again, a few per batch, to find changes made outside.

Each channel has a timer, set with every verified value. A batch reads the next values in key order, values with known
drift, and some refused or failed ones, because a value may become visible by other means.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.calls import read_values
from connectors.health import record_health
from connectors.ports import ChannelReading
from connectors.runtime import OpenConnection
from foundation.i18n.messages import reason_of
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.outbound.errors import OutboundHeld
from governance.drift import repository
from governance.drift.repository import ObservedValue
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import auto_resolve, open_exceptions
from governance.exceptions.rows import Exposure, NewException
from governance.messages import exceptions as messages
from governance.messages.parameters import about
from governance.propagation.push_job import HEALTH_EVERY, NO_ANSWER, read_back
from governance.propagation.repository import load_pending
from governance.propagation.settlement import Settlement, schedule_drift_scan, write_settlement
from governance.propagation.states import PropagationState
from governance.records.validation import admit_reading
from governance.services import GovernanceServices

_log = structlog.get_logger(__name__)
VALUES_A_TURN: Final = 200


def scan_drift_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def scan_drift(batch: Batch[NoPayload]) -> None:
        connection_id = batch.connection_id
        async with batch.read() as session:
            # First, so that a failed batch does not end the cycle.
            await schedule_drift_scan(session, connection_id, now=services.clock(), jitter=services.jitter)
            opened = await services.runtime.open(session, connection_id)
            observed = await repository.next_values(session, connection_id, limit=VALUES_A_TURN)
            stopped = await repository.some_stopped(session, connection_id, limit=VALUES_A_TURN // 10)
        if not opened.active:
            return  # no calls to a paused channel
        batch.check_lease()
        try:
            shown = await _read(opened, observed)
            outcomes = [
                await _read_pending(opened, batch, services, was, stopped)
                for was in (PropagationState.REFUSED, PropagationState.FAILED)
            ]
        except NO_ANSWER as error:
            _log.info("drift.no_answer", connection=str(connection_id), error=str(error))
            if not isinstance(error, OutboundHeld):
                async with batch.commit() as session:
                    await record_health(
                        session, connection_id, now=services.clock(), error=reason_of(error), every=HEALTH_EVERY
                    )
            return
        async with batch.commit() as session:
            for settlement in outcomes:
                await write_settlement(session, services, settlement)
            await _compare(session, services, connection_id, observed, shown)
            if observed:
                await record_health(session, connection_id, now=services.clock(), every=HEALTH_EVERY)

    return scan_drift


async def _read(opened: OpenConnection, observed: Sequence[ObservedValue]) -> list[ChannelReading]:
    channel = opened.connector.channel
    if channel is None:
        return []
    found: list[ChannelReading] = []
    for start in range(0, len(observed), channel.max_batch):
        part = [value.key for value in observed[start : start + channel.max_batch]]
        found += map(admit_reading, await read_values(channel, opened.http, opened.config, part))
    return found


async def _read_pending(
    opened: OpenConnection,
    batch: Batch[NoPayload],
    services: GovernanceServices,
    was: PropagationState,
    change_ids: Sequence[UUID],
) -> Settlement:
    connection_id = UUID(opened.config.connection_id)
    async with batch.read() as session:
        pending = await load_pending(session, connection_id, change_ids)
    due = [p for p in pending.values() if p.state == was and not p.superseded]
    readings = await read_back(opened, due)
    settlement = Settlement(connection_id, was, services.clock())
    for p in due:
        reading = readings.get(p.change_id)
        if reading is not None and reading.value == p.value:
            settlement.verified(p)
    return settlement


async def _compare(
    session: AsyncSession,
    services: GovernanceServices,
    connection_id: UUID,
    observed: Sequence[ObservedValue],
    shown: Sequence[ChannelReading],
) -> None:
    """Compare readings with the current rows; values in flight or verified since the reading are left out."""
    now = services.clock()
    still = await repository.find_unchanged(session, connection_id, observed)
    read = [(value, seen) for value, seen in zip(observed, shown, strict=True) if value in still and seen.answered]
    same = [value for value, seen in read if seen.value == value.value]
    await repository.record_seen(session, connection_id, same, now=now)
    await repository.save_cursor(session, connection_id, observed, limit=VALUES_A_TURN)
    healed = [_subject(connection_id, value) for value in same if value.drifted]
    await auto_resolve(session, ExceptionType.CHANNEL_DRIFT, healed, now=now)
    found = [_drift(connection_id, value, seen) for value, seen in read if seen.value != value.value]
    await open_exceptions(session, found, now=now, new_id=services.new_id)


def _subject(connection_id: UUID, value: ObservedValue) -> str:
    """The subject used for webhooks of the channel too (`changes.planner`): one exception for both."""
    return f"{connection_id}:{value.key.joined(':')}"


def _drift(connection_id: UUID, value: ObservedValue, reading: ChannelReading) -> NewException:
    seen = reading.value
    shown = reading.unreadable or seen
    return NewException(
        code=ExceptionType.CHANNEL_DRIFT,
        subject=_subject(connection_id, value),
        message=messages.DRIFT_READ.fill(**about(value.key), shown=shown, expected=value.value, seen_at=value.seen_at),
        exposure=None if seen is None else Exposure(value.value, seen),
        channels=1,
        key=value.key,
        connection_id=connection_id,
        change_id=value.change_id,
    )
