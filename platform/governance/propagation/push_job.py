"""Push job: sends a batch of values to one channel and reads them back. Only the reading proves what buyers see."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from uuid import UUID

import structlog
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.calls import CallRecorder, push_values, read_values
from connectors.health import is_healthy, record_health
from connectors.messages import LATER
from connectors.ports import ChannelReading, ChannelWrite, PayloadInvalid, SystemUnavailable, WriteResult, WriteState
from connectors.runtime import OpenConnection
from foundation.i18n.messages import MessageText, reason_of
from foundation.jobs.batch import Batch, ClaimedJob
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.outbound.errors import OutboundHeld, OutboundRefused, OutboundUnavailable, RetriesSpent
from governance.exception_types import ExceptionType
from governance.job_types import PUSH_RETRY
from governance.messages import reasons
from governance.propagation.attempts import PushAttempt, begin_attempts, complete_attempts
from governance.propagation.repository import Pending, load_pending
from governance.propagation.settlement import Settlement, write_settlement
from governance.propagation.states import PropagationState
from governance.records.validation import admit_reading
from governance.services import GovernanceServices

_log = structlog.get_logger(__name__)
NO_ANSWER = (SystemUnavailable, PayloadInvalid, OutboundUnavailable, OutboundRefused)
REST_SECONDS = 1.0
PAUSED_SECONDS = 30.0
HEALTH_EVERY = timedelta(seconds=5)
_HALF = 0.5


def push_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def push(batch: Batch[NoPayload]) -> None:
        connection_id = batch.connection_id
        async with batch.read() as session:
            opened = await services.runtime.open(session, connection_id)
            pending = await load_pending(session, connection_id, [item.ref for item in batch.items])
            was_healthy = await is_healthy(session, connection_id)
            retried = frozenset(item.ref for item in batch.items if item.is_retry)
            to_send = [p for p in pending.values() if opened.active and _is_to_send(p)]
            batch.check_lease()
            begun = await begin_attempts(
                session, connection_id, to_send, retried=retried, now=services.clock(), new_id=services.new_id
            )
        if not opened.active:  # jobs queued before the pause wait for the resumption, which wakes the lane
            batch.skip(batch.items)
            batch.pause(PAUSED_SECONDS)
            return
        batch.check_lease()
        attempt = await _attempt(opened, to_send, retried, services, begun)
        if attempt.is_in_vain(pending):
            await _rest(batch, services, connection_id, pending, attempt, was_healthy=was_healthy)
            return
        async with batch.commit() as session:
            await _settle(session, batch, services, connection_id, pending, attempt)

    return push


def _is_to_send(pending: Pending) -> bool:
    return pending.state == PropagationState.PENDING and not pending.superseded and not _is_stale(pending)


def _is_stale(pending: Pending) -> bool:
    return pending.approved and not (pending.source_unchanged and pending.cost_unchanged)


def _later(pending: Pending, error: OutboundUnavailable) -> WriteResult:
    return WriteResult(pending.key, WriteState.RETRY, reason_of(error), error.retry_after, uncertain=error.sent)


def _refused(pending: Pending, detail: MessageText) -> WriteResult:
    return WriteResult(pending.key, WriteState.REFUSED, detail)


async def _attempt(
    opened: OpenConnection,
    to_send: Sequence[Pending],
    again: AbstractSet[UUID | None],
    services: GovernanceServices,
    begun: Mapping[UUID, UUID],
) -> PushAttempt:
    """Send the batch, newest version last, so that the newest of two values of one record wins.

    Failed retries are also read back: a failed or lost answer does not prove that nothing was applied, and a channel
    that always answers so would be sent the same value for ever.
    """
    attempt, draw = PushAttempt(begun=begun), services.jitter
    channel = opened.connector.channel
    if channel is None:
        attempt.results = {p.change_id: _refused(p, reasons.NOT_A_CHANNEL.write()) for p in to_send}
        return attempt
    ordered = sorted(to_send, key=lambda p: p.version)
    for retried, part in parts(ordered, channel.max_batch, again, draw):
        writes = [ChannelWrite(p.key, p.value, p.version, str(p.id)) for p in part]
        http = CallRecorder(opened.client(is_retry=retried))
        try:
            results = await push_values(channel, http, opened.config, writes)
        except OutboundHeld as error:
            # Held after a first request of the same push was answered: that one may have taken effect.
            results = [replace(_later(p, error), uncertain=http.facts.has_sent) for p in part]
            attempt.unsent.update(p.change_id for p in part)
            if isinstance(error, RetriesSpent):
                attempt.spent.update(p.change_id for p in part)
        except OutboundUnavailable as error:
            results = [_later(p, error) for p in part]
        except PayloadInvalid as error:
            results = [WriteResult(p.key, WriteState.RETRY, error.reason, uncertain=True) for p in part]
        except OutboundRefused as error:
            # The connection's address or credential is unusable. The values are not at fault, so they are retried.
            results = [WriteResult(p.key, WriteState.RETRY, reason_of(error)) for p in part]
        attempt.results |= {p.change_id: result for p, result in zip(part, results, strict=True)}
        attempt.record_call(part, http.facts, now=services.clock())
        written = [p for p in part if attempt.results[p.change_id].state in (WriteState.ACCEPTED, WriteState.STALE)]
        await _read_back(opened, written, attempt, frozenset(), draw)
        failed = [p for p in part if attempt.results[p.change_id].state is WriteState.RETRY]
        lost = [p for p in failed if retried and p.change_id not in attempt.unsent]
        await _read_back(opened, lost, attempt, again, draw)
    return attempt


async def _read_back(
    opened: OpenConnection,
    sent: Sequence[Pending],
    attempt: PushAttempt,
    again: AbstractSet[UUID | None],
    draw: Callable[[], float],
) -> None:
    """Read values back into `attempt`. Without an answer neither success nor failure is proven."""
    try:
        attempt.readings |= await read_back(opened, sent, again, draw)
    except NO_ANSWER as error:
        _log.info("readback.no_answer", connection=opened.config.connection_id, error=str(error))
        if not isinstance(error, OutboundHeld):
            attempt.unread = reason_of(error)


def parts(
    ordered: Sequence[Pending], size: int, again: AbstractSet[UUID | None], draw: Callable[[], float]
) -> Iterator[tuple[bool, Sequence[Pending]]]:
    """Split into requests; yields (is_retry, part). Retries go separately, so that they do not block new values.

    Retries are distributed at random over two requests, all values of a record into the same one: after a few rounds
    the values that make the channel hang or disconnect are isolated.
    """
    for retried in (True, False) if again else (False,):
        group = [p for p in ordered if (p.change_id in again) is retried]
        chosen = {key for key in dict.fromkeys(p.record_key for p in group) if retried and draw() < _HALF}
        for side in (True, False):
            piece = [p for p in group if (p.record_key in chosen) is side]
            for start in range(0, len(piece), size):
                yield retried, piece[start : start + size]


async def read_back(
    opened: OpenConnection,
    written: Sequence[Pending],
    again: AbstractSet[UUID | None] = frozenset(),
    draw: Callable[[], float] = lambda: 0.5,
) -> dict[UUID, ChannelReading]:
    """Read values by change id, without those that the channel did not answer for.

    Raises one of NO_ANSWER if it answers for none.
    """
    channel = opened.connector.channel
    if channel is None:
        return {}
    found: dict[UUID, ChannelReading] = {}
    failure: Exception | None = None
    for retried, part in parts(written, channel.max_batch, again, draw):
        keys = [p.key for p in part]
        try:
            read = await read_values(channel, opened.client(is_retry=retried), opened.config, keys)
        except NO_ANSWER as error:
            if not retried:
                raise
            failure = error
            continue
        readings = zip(part, map(admit_reading, read), strict=True)
        found |= {p.change_id: reading for p, reading in readings if reading.answered}
    if failure is not None and not found:
        raise failure
    return found


async def _rest(  # noqa: PLR0913 - one step of the job above
    batch: Batch[NoPayload],
    services: GovernanceServices,
    connection_id: UUID,
    pending: Mapping[UUID, Pending],
    attempt: PushAttempt,
    *,
    was_healthy: bool,
) -> None:
    """Pause the lane after the channel accepted nothing: the clocks keep running, and an outage counts no attempts.

    Retries that fail alone, while the channel is otherwise healthy, are themselves the cause: their attempts count, and
    are limited. The lane pauses, unless only the retry budget is used up: retries are then deferred, and new values
    continue.
    """
    settlement = Settlement(connection_id, PropagationState.PENDING, services.clock())
    for change_id, answer in attempt.results.items():
        _note_sent(pending[change_id], answer, settlement)
    for item in batch.items:
        result = attempt.results.get(item.ref) if item.ref is not None else None
        if result is None:
            continue
        if item.ref in attempt.spent:
            batch.defer(item, delay=result.retry_after or REST_SECONDS, is_retry=True)
        elif item.ref in attempt.unsent:
            continue
        elif not item.is_retry:
            batch.defer(item, delay=0.0, error=result.detail, is_retry=True)
        elif was_healthy and item.ref is not None:
            _fail(batch, services, item, pending[item.ref], result, settlement)
    batch.skip([item for item in batch.items if item.ref is None or not settlement.has_stopped(item.ref)])
    away = [result for change_id, result in attempt.results.items() if change_id not in attempt.spent]
    if away:
        batch.pause(_longest(away).retry_after or REST_SECONDS * (1.0 - 0.5 * services.jitter()))
    error = _longest(away or attempt.results.values()).detail or LATER.write()
    async with batch.commit() as session:
        await complete_attempts(session, connection_id, attempt, {item.ref for item in batch.items if item.is_retry})
        await write_settlement(session, services, settlement)
        await record_health(session, connection_id, now=services.clock(), error=error, every=HEALTH_EVERY)


def _longest(results: Iterable[WriteResult]) -> WriteResult:
    return max(results, key=lambda result: result.retry_after or 0.0)


def _note_sent(p: Pending, result: WriteResult, settlement: Settlement) -> None:
    """Record the first uncertain send only; otherwise each attempt in an outage would repeat it for every value."""
    if result.uncertain and p.sent_at is None:
        settlement.unanswered(p, result.detail or LATER.write())


async def _settle(  # noqa: PLR0913, PLR0917 - one step of the job above
    session: AsyncSession,
    batch: Batch[NoPayload],
    services: GovernanceServices,
    connection_id: UUID,
    pending: Mapping[UUID, Pending],
    attempt: PushAttempt,
) -> None:
    now = services.clock()
    settlement = Settlement(connection_id, PropagationState.PENDING, now)
    for item in batch.items:
        p = pending.get(item.ref) if item.ref is not None else None
        if p is None or p.state != PropagationState.PENDING:
            continue
        if p.superseded:
            settlement.superseded(p.change_id)
        elif _is_stale(p) and p.source_unchanged:
            settlement.held(p)
        elif _is_stale(p):
            settlement.stopped(
                p, PropagationState.STALE_APPROVAL, ExceptionType.APPROVAL_STALE, reasons.SOURCE_CHANGED.write()
            )
        else:
            _settle_reading(batch, services, item, p, attempt, settlement)
    await complete_attempts(session, connection_id, attempt)
    await write_settlement(session, services, settlement)
    await record_health(session, connection_id, now=now, error=attempt.unread, every=HEALTH_EVERY)


def _settle_reading(  # noqa: PLR0913, PLR0917 - one propagation of the step above
    batch: Batch[NoPayload],
    services: GovernanceServices,
    item: ClaimedJob[NoPayload],
    p: Pending,
    attempt: PushAttempt,
    settlement: Settlement,
) -> None:
    result = attempt.results[p.change_id]
    reading = attempt.readings.get(p.change_id)
    if reading is not None and reading.value == p.value:
        settlement.verified(p)
    elif result.state is WriteState.ACCEPTED:
        settlement.accepted(p, reading)
    elif p.change_id in attempt.unsent:
        _note_sent(p, result, settlement)
        batch.defer(item, delay=result.retry_after or REST_SECONDS, is_retry=item.is_retry)
    elif result.state is WriteState.RETRY:
        _fail(batch, services, item, p, result, settlement)
    else:
        ours = reasons.NEWER_ON_CHANNEL if result.state is WriteState.STALE else reasons.NO_REASON
        settlement.stopped(
            p, PropagationState.REFUSED, ExceptionType.PROPAGATION_REFUSED, result.detail or ours.write()
        )


def _fail(  # noqa: PLR0913, PLR0917 - one propagation of the steps above
    batch: Batch[NoPayload],
    services: GovernanceServices,
    item: ClaimedJob[NoPayload],
    p: Pending,
    result: WriteResult,
    settlement: Settlement,
) -> None:
    """Count a failed attempt of this value: it is retried later, or fails for good."""
    if item.attempts + 1 < PUSH_RETRY.attempts:
        delay = PUSH_RETRY.delay(item.attempts, 1.0 - services.jitter())
        error = result.detail or LATER.write()
        batch.retry(item, delay=max(delay, result.retry_after or 0.0), error=error, is_retry=True)
        _note_sent(p, result, settlement)
    else:
        settlement.stopped(
            p, PropagationState.FAILED, ExceptionType.PROPAGATION_FAILED, result.detail or reasons.NOT_TAKEN.write()
        )
