"""Rating by the clock: timers per client for its drafts, one per MSP for the wholesale whole.

A run looks at recent usage only, so that it costs the same in a client's tenth year; once a day one looks at all.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.draft import draft_invoice, draft_wholesale
from billing.periods import EPOCH, month_of
from billing.rating.rate_usage import pending_periods, rate_period
from billing.rating.runs import record_rating
from billing.sides import Side
from foundation.clock import Clock
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import set_timer
from foundation.jobs.repair import restart_timers
from foundation.jobs.types import Handler, JobType, RetryPolicy

RATE = "billing.rate"
CATCH_UP = "billing.catch_up"
TOTAL = "billing.total"
LANE = "billing"
RECENT = timedelta(days=2)
CATCH_UP_EVERY = timedelta(days=1)
ENDLESS = RetryPolicy(attempts=1_000_000, base=1.0, cap=300.0)
"""Work that sets its own next timer is never given up: with it the timer would be gone, and nobody billed again."""

BillingStep = Callable[[AsyncSession, datetime], Awaitable[None]]


def billing_jobs(clock: Clock, *, every: timedelta = timedelta(minutes=15)) -> tuple[JobType, ...]:
    """The room's kinds of job; each run sets the timer of the next, `every` later."""
    return (
        JobType(RATE, _handler(rate_recent, schedule_rating, clock, every), batch=1, retry=ENDLESS),
        JobType(CATCH_UP, _handler(rate_client, _schedule_catch_up, clock, CATCH_UP_EVERY), batch=1, seconds=600.0,
                retry=ENDLESS),
        JobType(TOTAL, _handler(total_wholesale, schedule_total, clock, every), batch=1, retry=ENDLESS),
    )  # fmt: skip


async def schedule_rating(session: AsyncSession, now: datetime) -> None:
    """In a client's scope: rate at `now`, and from then on by itself. Call once, when the client begins."""
    await set_timer(session, name=RATE, lane=LANE, kind=RATE, due_at=now)
    await _schedule_catch_up(session, now + CATCH_UP_EVERY)


async def _schedule_catch_up(session: AsyncSession, now: datetime) -> None:
    await set_timer(session, name=CATCH_UP, lane=LANE, kind=CATCH_UP, due_at=now)


async def schedule_total(session: AsyncSession, now: datetime) -> None:
    """In the scope of an MSP's house: sum up its wholesale invoice at `now`, and from then on by itself."""
    await set_timer(session, name=TOTAL, lane=LANE, kind=TOTAL, due_at=now)


async def repair_billing(session: AsyncSession, now: datetime) -> None:
    """Timers of a client, or of an MSP's house, that stand still go on."""
    await restart_timers(session, (RATE, CATCH_UP, TOTAL), now=now, longest=2 * CATCH_UP_EVERY)


async def rate_recent(session: AsyncSession, now: datetime) -> None:
    """Bring the client's drafts of both sides up to the last days' usage."""
    await rate_client(session, now, since=now - RECENT)


async def rate_client(session: AsyncSession, now: datetime, since: datetime = EPOCH) -> None:
    """Bring the client's drafts of both sides up to what the ledger holds since then."""
    for side in Side:
        for period in await pending_periods(session, side=side, now=now, since=since):
            rated = await rate_period(session, side=side, period=period, now=now, since=since)
            if rated.events:
                await draft_invoice(session, side=side, period=period, now=now)


async def total_wholesale(session: AsyncSession, now: datetime) -> None:
    """Bring the MSP's wholesale drafts of this month and the one before up to its clients' shares."""
    this = month_of(now)
    for period in (month_of(this.start - timedelta(days=1)), this):
        await draft_wholesale(session, period=period, now=now)


def _handler(work: BillingStep, schedule: BillingStep, clock: Clock, every: timedelta) -> Handler:
    async def handle(batch: Batch) -> None:
        now = clock()
        async with batch.commit() as session:
            await work(session, now)
            await schedule(session, now + every)
            if schedule is schedule_rating:
                await record_rating(session, now=now, next_at=now + every)

    return handle
