"""Rating by the clock: one timer per client for its drafts, one per MSP for the wholesale whole."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from billing.drafting import draft_invoice, draft_wholesale
from billing.periods import month_of
from billing.rating import pending_periods, rate_period
from billing.sides import Side
from foundation.clock import Clock
from foundation.lanes.jobs import Handler, JobKind
from foundation.lanes.run import LaneRun
from foundation.lanes.work import set_timer

RATE = "billing.rate"
TOTAL = "billing.total"
LANE = "billing"

Work = Callable[[AsyncSession, datetime], Awaitable[None]]


def billing_jobs(clock: Clock, *, every: timedelta = timedelta(minutes=15)) -> tuple[JobKind, JobKind]:
    """The room's kinds of job; each run sets the timer of the next, `every` later."""
    return (
        JobKind(RATE, _handler(rate_client, schedule_rating, clock, every), batch=1),
        JobKind(TOTAL, _handler(total_wholesale, schedule_total, clock, every), batch=1),
    )


async def schedule_rating(session: AsyncSession, now: datetime) -> None:
    """In a client's scope: rate at `now`, and from then on by itself. Call once, when the client begins."""
    await set_timer(session, name=RATE, lane=LANE, kind=RATE, due_at=now)


async def schedule_total(session: AsyncSession, now: datetime) -> None:
    """In the scope of an MSP's house: sum up its wholesale invoice at `now`, and from then on by itself."""
    await set_timer(session, name=TOTAL, lane=LANE, kind=TOTAL, due_at=now)


async def rate_client(session: AsyncSession, now: datetime) -> None:
    """Bring the client's drafts of both sides up to what the ledger holds."""
    for side in Side:
        for period in await pending_periods(session, side=side, now=now):
            rated = await rate_period(session, side=side, period=period, now=now)
            if rated.events:
                await draft_invoice(session, side=side, period=period, now=now)


async def total_wholesale(session: AsyncSession, now: datetime) -> None:
    """Bring the MSP's wholesale drafts of this month and the one before up to its clients' shares."""
    this = month_of(now)
    for period in (month_of(this.start - timedelta(days=1)), this):
        await draft_wholesale(session, period=period, now=now)


def _handler(work: Work, schedule: Work, clock: Clock, every: timedelta) -> Handler:
    async def handle(run: LaneRun) -> None:
        now = clock()
        async with run.finishing() as session:
            await work(session, now)
            await schedule(session, now + every)

    return handle
