"""Job: look again at values a channel accepted but did not show. Accepted never stops the clock."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from connectors.health import is_healthy, note_health
from connectors.ports import ChannelReading, SystemUnavailable
from foundation.jobs.batch import LaneRun, WorkItem
from foundation.jobs.types import Handler, RetryPolicy
from foundation.outbound.errors import OutboundHeld, OutboundUnavailable, RetriesSpent
from governance.propagation import states
from governance.propagation.push_job import HEALTH_EVERY, NO_ANSWER, REST_SECONDS, read_back
from governance.propagation.repository import Pending, load_pending
from governance.propagation.settlement import FIRST_LOOK_SECONDS, Outcome, unreadable_detail, write_outcome
from governance.services import Context

_log = structlog.get_logger(__name__)
LOOKS = RetryPolicy(attempts=60, base=0.25, cap=60.0)
"""For a look that fails here. One that sees nothing is no failure."""

SEND_AGAIN_EVERY: Final = 4
LONGEST_PAUSE_SECONDS: Final = 60.0
GIVE_UP_AFTER: Final = timedelta(hours=4)
"""As long as a correction usually may take (`planning.DEFAULT_CORRECTION_MS`): then a person must look."""

_GIVEN_UP = (
    "Accepted by the channel, but not visible after many looks, and sent again between them. Replay it once the "
)
_GIVEN_UP += "channel is mended; the clock runs until it is seen."


def verify_handler(context: Context) -> Handler:
    async def verify(run: LaneRun) -> None:
        connection_id = UUID(run.lane.partition("/")[2])
        async with run.reading() as session:
            opened = await context.runtime.open(session, connection_id)
            pending = await load_pending(session, connection_id, [item.ref for item in run.items])
            was_healthy = await is_healthy(session, connection_id)
        outcome = Outcome(connection_id, states.ACCEPTED, context.clock())
        looked: list[tuple[WorkItem, Pending]] = []
        for item in run.items:
            p = pending.get(item.ref) if item.ref is not None else None
            if p is None or p.state != states.ACCEPTED or not _is_of_this_attempt(item, p):
                continue
            if p.superseded:
                outcome.superseded(p.change_id)
            else:
                looked.append((item, p))
        failure: Exception | None = None
        try:
            again = {item.ref for item, _ in looked if item.again}
            readings = await read_back(opened, [p for _, p in looked], again, context.draw)
        except NO_ANSWER as error:
            failure, readings = error, {p.change_id: _unanswered(p, error) for _, p in looked}
        if failure is not None and not _is_for_good(failure):
            outcome.now = context.clock()
            if was_healthy and not isinstance(failure, OutboundHeld):
                _give_up(looked, failure, outcome)
            _rest(run, context, [item for item, p in looked if not outcome.has_stopped(p.change_id)], failure)
        else:
            outcome.now = context.clock()
            for item, p in looked:
                _judge(run, context, item, p, readings.get(p.change_id), outcome)
        async with run.finishing() as session:
            await write_outcome(session, context, outcome)
            if looked and not isinstance(failure, OutboundHeld):
                told = None if failure is None else str(failure)
                await note_health(session, connection_id, now=outcome.now, error=told, every=HEALTH_EVERY)

    return verify


def _give_up(looked: list[tuple[WorkItem, Pending]], error: Exception, outcome: Outcome) -> None:
    """The channel has worked meanwhile and does not answer for these values: their time ends as that of others."""
    for item, p in looked:
        if item.again and outcome.now - (p.accepted_at or outcome.now) >= GIVE_UP_AFTER:
            outcome.stopped(p, states.GIVEN_UP, "propagation.given_up", f"{error} {_GIVEN_UP}")


def _is_of_this_attempt(item: WorkItem, p: Pending) -> bool:
    return item.body is None or item.body.get("attempt") == p.attempts


def _rest(run: LaneRun, context: Context, items: list[WorkItem], error: Exception) -> None:
    """No answer proves nothing: no look counts, nothing is sent again, and the lane rests."""
    _log.info("readback.no_answer", lane=run.lane, error=str(error))
    asked = error.retry_after if isinstance(error, SystemUnavailable | OutboundUnavailable) else None
    wait = asked or REST_SECONDS * (1.0 - 0.5 * context.draw())
    run.leave(items)
    if isinstance(error, RetriesSpent):  # what is new goes on
        for item in items:
            if item.again:
                run.put_off(item, delay=wait, again=True)
        return
    run.pause(wait)
    if not isinstance(error, OutboundHeld):
        for item in items:
            if not item.again:
                run.put_off(item, delay=0.0, error=str(error), again=True)


def _is_for_good(error: Exception) -> bool:
    """The channel will never answer this question: the looks count, and end."""
    return isinstance(error, SystemUnavailable) and error.permanent


def _unanswered(p: Pending, error: Exception) -> ChannelReading:
    return ChannelReading(p.record_key, p.element, None, unreadable=f"nothing that can be asked for: {error}")


def _judge(  # noqa: PLR0913, PLR0917 - one look of the job above
    run: LaneRun, context: Context, item: WorkItem, p: Pending, reading: ChannelReading | None, outcome: Outcome
) -> None:
    age = outcome.now - (p.accepted_at or outcome.now)
    if reading is not None and reading.value == p.value:
        outcome.verified(p)
    elif age >= GIVE_UP_AFTER:
        shows = unreadable_detail(reading) + " " if reading is not None and reading.unreadable else ""
        outcome.stopped(p, states.GIVEN_UP, "propagation.given_up", shows + _GIVEN_UP)
    elif item.attempts + 1 >= SEND_AGAIN_EVERY:
        outcome.send_again(p)
    else:
        pause = min(LONGEST_PAUSE_SECONDS, max(FIRST_LOOK_SECONDS, age.total_seconds() / 3))
        run.retry(item, delay=pause * (1.0 - 0.25 * context.draw()), error="Not visible yet.")
