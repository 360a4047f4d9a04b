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
from foundation.lanes.work import NewWork, add_work
from foundation.outbound.errors import OutboundRefused, OutboundUnavailable
from governance import kinds
from governance.channel_store import Pending, Settled, load_pending
from governance.context import Context
from governance.exceptions import open_exceptions
from governance.outcome import Outcome, late_subject, propagation_exception, stale_exception, write_outcome

_log = structlog.get_logger(__name__)
PUSH_RETRY = RetryPolicy(attempts=60, base=0.5, cap=60.0)
_OPEN_STATES = frozenset({"pending", "accepted"})
FIRST_LOOK_SECONDS = 0.1
REST_SECONDS = 1.0
HEALTH_EVERY = timedelta(seconds=5)


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
        to_send = [p for p in pending.values() if p.state in _OPEN_STATES and not p.superseded and not _is_stale(p)]
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
    return pending.approved and not pending.fresh


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
        attempt.readings |= await read_back(opened, look)
    return attempt


async def read_back(opened: OpenConnection, look: Sequence[Pending]) -> dict[UUID, ChannelReading]:
    """By change id; empty when the channel does not answer, which proves nothing either way."""
    channel = opened.connector.channel
    if channel is None or not look:
        return {}
    try:
        readings = await channel.read(opened.http, opened.config, [(p.record_key, p.element) for p in look])
    except (SystemUnavailable, PayloadInvalid, OutboundUnavailable, OutboundRefused) as error:
        _log.info("readback.no_answer", connection=opened.config.connection_id, error=str(error))
        return {}
    return {p.change_id: reading for p, reading in zip(look, readings, strict=True)}


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
    outcome = Outcome(connection_id, now)
    for item in run.items:
        propagation = pending.get(item.ref) if item.ref is not None else None
        if propagation is None or propagation.state not in _OPEN_STATES:
            continue
        if propagation.superseded:
            outcome.settled.append(Settled(propagation.change_id, "superseded"))
            outcome.corrected.append(late_subject(propagation.change_id, connection_id))
        elif _is_stale(propagation):
            outcome.settled.append(Settled(propagation.change_id, "held", error="The data has changed since approval."))
            outcome.exceptions.append(stale_exception(propagation, connection_id))
        else:
            _judge(run, context, item, propagation, attempt, outcome)
    await write_outcome(session, outcome)
    await open_exceptions(session, outcome.exceptions, now=now, new_id=context.new_id)
    add_work(session, outcome.looks)
    await note_health(session, connection_id, now=now, every=HEALTH_EVERY)


def _judge(  # noqa: PLR0913, PLR0917 - one propagation of the step above
    run: LaneRun, context: Context, item: WorkItem, p: Pending, attempt: Attempt, outcome: Outcome
) -> None:
    result = attempt.results[p.change_id]
    reading = attempt.readings.get(p.change_id)
    if reading is not None and reading.value == p.value:
        outcome.verified(p, reading)
    elif result.state is WriteState.ACCEPTED:
        outcome.accepted(p, reading)
        outcome.looks.append(look_again(p, outcome.connection_id))
    elif result.state is WriteState.RETRY and item.attempts + 1 < PUSH_RETRY.attempts:
        delay = PUSH_RETRY.delay(item.attempts, 1.0 - context.draw())
        run.retry(item, delay=max(delay, result.retry_after or 0.0), error=result.detail or "The channel said: later.")
    else:
        detail = result.detail or (
            "The channel holds a newer value than ours."
            if result.state is WriteState.STALE
            else "The channel did not take it after many attempts."
        )
        outcome.settled.append(
            Settled(
                p.change_id, "refused", error=detail[:500], previous_amount=p.shown_amount,
                previous_currency=p.shown_currency,
            )
        )  # fmt: skip
        outcome.exceptions.append(propagation_exception("propagation.refused", p, outcome.connection_id, detail))


def look_again(p: Pending, connection_id: UUID) -> NewWork:
    return NewWork(
        lane=kinds.verify_lane(connection_id),
        kind=kinds.VERIFY,
        key=str(p.change_id),
        ref=p.change_id,
        delay=FIRST_LOOK_SECONDS,
    )
