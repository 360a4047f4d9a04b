"""Job: look again at values a channel accepted but did not show. Accepted never stops the clock."""

from uuid import UUID

from foundation.lanes.jobs import Handler, RetryPolicy
from foundation.lanes.run import LaneRun
from foundation.lanes.work import NewWork, add_work
from governance import kinds
from governance.channel_store import Settled, load_pending
from governance.context import Context
from governance.outcome import Outcome, write_outcome
from governance.propagate import read_back

LOOKS = RetryPolicy(attempts=1_000_000, base=0.25, cap=30.0)
PUSH_AGAIN_EVERY = 4


def verify_handler(context: Context) -> Handler:
    async def verify(run: LaneRun) -> None:
        connection_id = UUID(run.lane.partition("/")[2])
        async with run.reading() as session:
            opened = await context.runtime.open(session, connection_id)
            pending = await load_pending(session, connection_id, [item.ref for item in run.items])
        look = [p for p in pending.values() if p.state == "accepted" and not p.superseded]
        readings = await read_back(opened, look)
        outcome = Outcome(connection_id, context.clock())
        for item in run.items:
            p = pending.get(item.ref) if item.ref is not None else None
            if p is None or p.state != "accepted":
                continue
            if p.superseded:
                outcome.settled.append(Settled(p.change_id, "superseded"))
                outcome.corrected.append(f"{p.change_id}:{connection_id}")
                continue
            reading = readings.get(p.change_id)
            if reading is not None and reading.value == p.value:
                outcome.verified(p, reading)
                continue
            run.retry(item, delay=LOOKS.delay(item.attempts, 1.0), error="Not visible yet.")
            if item.attempts % PUSH_AGAIN_EVERY == PUSH_AGAIN_EVERY - 1:
                again = NewWork(
                    lane=kinds.push_lane(connection_id),
                    kind=kinds.PUSH,
                    key=f"{p.record_key}|{p.element}",
                    ref=p.change_id,
                    correlation=p.correlation,
                )
                outcome.looks.append(again)
        async with run.finishing() as session:
            await write_outcome(session, outcome)
            add_work(session, outcome.looks)

    return verify
