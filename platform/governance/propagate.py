"""Job: push a batch of values to one channel and read them back. Only the reading proves that a buyer sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.health import note_health
from connectors.port import (
    ChannelReading,
    ChannelWrite,
    PayloadInvalid,
    SystemUnavailable,
    WriteResult,
    WriteState,
)
from connectors.runtime import OpenConnection
from foundation.lanes.jobs import Handler, RetryPolicy
from foundation.lanes.run import LaneRun, WorkItem
from foundation.outbound.errors import OutboundRefused, OutboundUnavailable
from governance import states
from governance.channel_store import Pending, load_pending
from governance.context import Context
from governance.outcome import Outcome, write_outcome

_log = structlog.get_logger(__name__)
PUSH_RETRY = RetryPolicy(attempts=60, base=0.5, cap=60.0)
NO_ANSWER = (SystemUnavailable, PayloadInvalid, OutboundUnavailable, OutboundRefused)
REST_SECONDS = 1.0
HEALTH_EVERY = timedelta(seconds=5)
_STALE = "The source changed after this was approved. It was not sent; the newer value has its own decision."


@dataclass(slots=True)
class Attempt:
    """What the channel answered, by change id."""

    results: dict[UUID, WriteResult] = field(default_factory=dict)
    readings: dict[UUID, ChannelReading] = field(default_factory=dict)


def push_handler(context: Context) -> Handler:
    async def push(run: LaneRun) -> None:
        connection_id = UUID(run.lane.partition("/")[2])
        async with run.reading() as session:
            opened = await context.runtime.open(session, connection_id)
            pending = await load_pending(session, connection_id, [item.ref for item in run.items])
        to_send = [p for p in pending.values() if p.state == states.PENDING and not p.superseded and not _is_stale(p)]
        run.check_lease()
        attempt = await _attempt(opened, to_send)
        away = _away(attempt)
        if away is not None:
            await _rest(run, context, connection_id, away)
            return
        async with run.finishing() as session:
            await _settle(session, run, context, connection_id, pending, attempt)

    return push


def _is_stale(pending: Pending) -> bool:
    return pending.approved and not (pending.source_holds and pending.cost_holds)


def _later(pending: Pending, error: OutboundUnavailable) -> WriteResult:
    return WriteResult(pending.record_key, pending.element, WriteState.RETRY, str(error), error.retry_after)


def _refused(pending: Pending, detail: str) -> WriteResult:
    return WriteResult(pending.record_key, pending.element, WriteState.REFUSED, detail)


async def _attempt(opened: OpenConnection, to_send: Sequence[Pending]) -> Attempt:
    """Newest version last, so that a batch with two values of one record ends with the right one."""
    attempt = Attempt()
    channel = opened.connector.channel
    if channel is None:
        attempt.results = {p.change_id: _refused(p, "This connection is not a channel.") for p in to_send}
        return attempt
    ordered = sorted(to_send, key=lambda p: p.version)
    for start in range(0, len(ordered), channel.max_batch):
        part = ordered[start : start + channel.max_batch]
        writes = [ChannelWrite(p.record_key, p.element, p.value, p.version, str(p.id)) for p in part]
        try:
            results = await channel.push(opened.http, opened.config, writes)
        except OutboundUnavailable as error:
            results = [_later(p, error) for p in part]
        except OutboundRefused as error:
            results = [_refused(p, str(error)) for p in part]
        attempt.results |= {p.change_id: result for p, result in zip(part, results, strict=True)}
        look = [p for p in part if attempt.results[p.change_id].state in (WriteState.ACCEPTED, WriteState.STALE)]
        attempt.readings |= await _look(opened, look)
    return attempt


async def _look(opened: OpenConnection, sent: Sequence[Pending]) -> dict[UUID, ChannelReading]:
    """By change id; empty when the channel does not answer, which proves nothing either way."""
    try:
        return await read_back(opened, sent)
    except NO_ANSWER as error:
        _log.info("readback.no_answer", connection=opened.config.connection_id, error=str(error))
        return {}


async def read_back(opened: OpenConnection, look: Sequence[Pending]) -> dict[UUID, ChannelReading]:
    """By change id. Raises one of NO_ANSWER."""
    channel = opened.connector.channel
    if channel is None:
        return {}
    found: dict[UUID, ChannelReading] = {}
    for start in range(0, len(look), channel.max_batch):
        part = look[start : start + channel.max_batch]
        readings = await channel.read(opened.http, opened.config, [(p.record_key, p.element) for p in part])
        found |= {p.change_id: reading for p, reading in zip(part, readings, strict=True)}
    return found


def _away(attempt: Attempt) -> WriteResult | None:
    """The result with the longest wait when the channel took nothing at all: it is the channel that is away."""
    results = list(attempt.results.values())
    if not results or any(result.state is not WriteState.RETRY for result in results):
        return None
    return max(results, key=lambda result: result.retry_after or 0.0)


async def _rest(run: LaneRun, context: Context, connection_id: UUID, away: WriteResult) -> None:
    """The lane rests, nothing counts as tried, the clocks keep running."""
    run.leave(run.items)
    run.pause(away.retry_after or REST_SECONDS * (1.0 - 0.5 * context.draw()))
    async with run.finishing() as session:
        await note_health(session, connection_id, now=context.clock(), error=away.detail[:500], every=HEALTH_EVERY)


async def _settle(  # noqa: PLR0913, PLR0917 - one step of the job above
    session: AsyncSession,
    run: LaneRun,
    context: Context,
    connection_id: UUID,
    pending: Mapping[UUID, Pending],
    attempt: Attempt,
) -> None:
    now = context.clock()
    outcome = Outcome(connection_id, states.PENDING, now)
    for item in run.items:
        p = pending.get(item.ref) if item.ref is not None else None
        if p is None or p.state != states.PENDING:
            continue
        if p.superseded:
            outcome.superseded(p.change_id)
        elif _is_stale(p) and p.source_holds:
            outcome.held(p)
        elif _is_stale(p):
            outcome.stopped(p, states.HELD, "approval.stale", _STALE)
        else:
            _judge(run, context, item, p, attempt, outcome)
    await write_outcome(session, context, outcome)
    await note_health(session, connection_id, now=now, every=HEALTH_EVERY)


def _judge(  # noqa: PLR0913, PLR0917 - one propagation of the step above
    run: LaneRun, context: Context, item: WorkItem, p: Pending, attempt: Attempt, outcome: Outcome
) -> None:
    result = attempt.results[p.change_id]
    reading = attempt.readings.get(p.change_id)
    if reading is not None and reading.value == p.value:
        outcome.verified(p)
    elif result.state is WriteState.ACCEPTED:
        outcome.accepted(p, reading)
    elif result.state is WriteState.RETRY and item.attempts + 1 < PUSH_RETRY.attempts:
        delay = PUSH_RETRY.delay(item.attempts, 1.0 - context.draw())
        run.retry(item, delay=max(delay, result.retry_after or 0.0), error=result.detail or "The channel said: later.")
    elif result.state is WriteState.RETRY:
        detail = result.detail or "The channel did not take it after many attempts."
        outcome.stopped(p, states.GIVEN_UP, "propagation.given_up", detail)
    else:
        stale = (
            "The channel holds a newer value than ours." if result.state is WriteState.STALE else "It gave no reason."
        )
        outcome.stopped(p, states.REFUSED, "propagation.refused", result.detail or stale)
