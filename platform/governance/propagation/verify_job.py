"""Verify job: reads values again that a channel accepted but did not show. Acceptance never stops the clock."""

from datetime import timedelta
from typing import Final

import structlog

from connectors.health import is_healthy, record_health
from connectors.ports import ChannelReading, SystemUnavailable
from foundation.i18n.messages import reason_of
from foundation.jobs.batch import Batch, ClaimedJob
from foundation.jobs.registry import Handler
from foundation.outbound.errors import OutboundHeld, OutboundUnavailable, RetriesSpent
from governance.exception_types import ExceptionType
from governance.job_types import VerifyValues
from governance.messages import reasons
from governance.propagation.push_job import HEALTH_EVERY, NO_ANSWER, REST_SECONDS, read_back
from governance.propagation.repository import Pending, load_pending
from governance.propagation.settlement import FIRST_READ_SECONDS, Settlement, write_settlement
from governance.propagation.states import PropagationState
from governance.services import GovernanceServices

_log = structlog.get_logger(__name__)
SEND_AGAIN_EVERY: Final = 4
LONGEST_PAUSE_SECONDS: Final = 60.0
GIVE_UP_AFTER: Final = timedelta(hours=4)
"""The usual correction time (`exception_types.ExceptionType.correction`), after which a person must look at the value.
"""


def verify_handler(services: GovernanceServices) -> Handler[VerifyValues]:
    async def verify(batch: Batch[VerifyValues]) -> None:
        connection_id = batch.connection_id
        async with batch.read() as session:
            opened = await services.runtime.open(session, connection_id)
            pending = await load_pending(session, connection_id, [item.ref for item in batch.items])
            was_healthy = await is_healthy(session, connection_id)
        settlement = Settlement(connection_id, PropagationState.ACCEPTED, services.clock())
        due: list[tuple[ClaimedJob[VerifyValues], Pending]] = []
        for item in batch.items:
            p = pending.get(item.ref) if item.ref is not None else None
            if p is None or p.state != PropagationState.ACCEPTED or not _is_of_this_attempt(item, p):
                continue
            if p.superseded:
                settlement.superseded(p.change_id)
            else:
                due.append((item, p))
        failure: Exception | None = None
        try:
            again = {item.ref for item, _ in due if item.is_retry}
            readings = await read_back(opened, [p for _, p in due], again, services.jitter)
        except NO_ANSWER as error:
            failure, readings = error, {p.change_id: _unanswered(p, error) for _, p in due}
        if failure is not None and not _is_for_good(failure):
            settlement.now = services.clock()
            if was_healthy and not isinstance(failure, OutboundHeld):
                _give_up(due, failure, settlement)
            _rest(batch, services, [item for item, p in due if not settlement.has_stopped(p.change_id)], failure)
        else:
            settlement.now = services.clock()
            for item, p in due:
                _settle_reading(batch, services, item, p, readings.get(p.change_id), settlement)
        async with batch.commit() as session:
            await write_settlement(session, services, settlement)
            if due and not isinstance(failure, OutboundHeld):
                reason = None if failure is None else reason_of(failure)
                await record_health(session, connection_id, now=settlement.now, error=reason, every=HEALTH_EVERY)

    return verify


def _give_up(due: list[tuple[ClaimedJob[VerifyValues], Pending]], error: Exception, settlement: Settlement) -> None:
    """Fail retries past GIVE_UP_AFTER although the channel, otherwise healthy, does not answer for these values."""
    for item, p in due:
        if item.is_retry and settlement.now - (p.accepted_at or settlement.now) >= GIVE_UP_AFTER:
            why = reasons.NEVER_ANSWERED.write(error=reason_of(error))
            settlement.stopped(p, PropagationState.FAILED, ExceptionType.PROPAGATION_FAILED, why)


def _is_of_this_attempt(item: ClaimedJob[VerifyValues], p: Pending) -> bool:
    return item.payload.attempt in (None, p.attempts)


def _rest(
    batch: Batch[VerifyValues], services: GovernanceServices, items: list[ClaimedJob[VerifyValues]], error: Exception
) -> None:
    """Pause the lane. No answer proves nothing: no reading is counted and nothing is sent again."""
    _log.info("readback.no_answer", lane=batch.lane, error=str(error))
    asked = error.retry_after if isinstance(error, SystemUnavailable | OutboundUnavailable) else None
    wait = asked or REST_SECONDS * (1.0 - 0.5 * services.jitter())
    batch.skip(items)
    if isinstance(error, RetriesSpent):  # new values continue
        for item in items:
            if item.is_retry:
                batch.defer(item, delay=wait, is_retry=True)
        return
    batch.pause(wait)
    if not isinstance(error, OutboundHeld):
        for item in items:
            if not item.is_retry:
                batch.defer(item, delay=0.0, error=reason_of(error), is_retry=True)


def _is_for_good(error: Exception) -> bool:
    """Whether the channel will never answer this reading: attempts count, and are limited."""
    return isinstance(error, SystemUnavailable) and error.permanent


def _unanswered(p: Pending, error: Exception) -> ChannelReading:
    return ChannelReading(p.key, None, unreadable=reason_of(error))


def _settle_reading(  # noqa: PLR0913, PLR0917 - one reading of the job above
    batch: Batch[VerifyValues],
    services: GovernanceServices,
    item: ClaimedJob[VerifyValues],
    p: Pending,
    reading: ChannelReading | None,
    settlement: Settlement,
) -> None:
    age = settlement.now - (p.accepted_at or settlement.now)
    if reading is not None and reading.value == p.value:
        settlement.verified(p)
    elif age >= GIVE_UP_AFTER:
        why = reasons.NEVER_VISIBLE.write()
        if reading is not None and reading.unreadable:
            why = reasons.NEVER_EXACT.write(shown=reading.unreadable)
        settlement.stopped(p, PropagationState.FAILED, ExceptionType.PROPAGATION_FAILED, why)
    elif item.attempts + 1 >= SEND_AGAIN_EVERY:
        settlement.send_again(p)
    else:
        pause = min(LONGEST_PAUSE_SECONDS, max(FIRST_READ_SECONDS, age.total_seconds() / 3))
        batch.retry(item, delay=pause * (1.0 - 0.25 * services.jitter()), error=reasons.NOT_VISIBLE.write())
