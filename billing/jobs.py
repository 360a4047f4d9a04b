"""Rating jobs: timers per client for its drafts, one per MSP for its wholesale total.

A run processes recent usage only, so that its cost stays the same in a client's tenth year; once a day one processes
all.
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
"""A self-rescheduling job never fails permanently: its timer would be lost with it, and nobody would be billed
again.
"""

BillingStep = Callable[[AsyncSession, datetime], Awaitable[None]]


def billing_jobs(clock: Clock, *, every: timedelta = timedelta(minutes=15)) -> tuple[JobType, ...]:
    """Job types of this room; each run sets the timer of the next, `every` later."""
    return (
        JobType(RATE, _handler(rate_recent, schedule_rating, clock, every), batch=1, retry=ENDLESS),
        JobType(CATCH_UP, _handler(rate_client, _schedule_catch_up, clock, CATCH_UP_EVERY), batch=1, seconds=600.0,
                retry=ENDLESS),
        JobType(TOTAL, _handler(total_wholesale, schedule_total, clock, every), batch=1, retry=ENDLESS),
    )  # fmt: skip


async def schedule_rating(session: AsyncSession, now: datetime) -> None:
    """Start the self-rescheduling rating of a new client at `now`, in its scope. Call once."""
    await set_timer(session, name=RATE, lane=LANE, kind=RATE, due_at=now)
    await _schedule_catch_up(session, now + CATCH_UP_EVERY)


async def _schedule_catch_up(session: AsyncSession, now: datetime) -> None:
    await set_timer(session, name=CATCH_UP, lane=LANE, kind=CATCH_UP, due_at=now)


async def schedule_total(session: AsyncSession, now: datetime) -> None:
    """Start the self-rescheduling totals of an MSP's wholesale invoice at `now`, in the scope of the MSP account."""
    await set_timer(session, name=TOTAL, lane=LANE, kind=TOTAL, due_at=now)


async def repair_billing(session: AsyncSession, now: datetime) -> None:
    """Restart the stopped timers of a client, or of an MSP account."""
    await restart_timers(session, (RATE, CATCH_UP, TOTAL), now=now, longest=2 * CATCH_UP_EVERY)


async def rate_recent(session: AsyncSession, now: datetime) -> None:
    """Update the client's drafts of both sides with the usage of recent days."""
    await rate_client(session, now, since=now - RECENT)


async def rate_client(session: AsyncSession, now: datetime, since: datetime = EPOCH) -> None:
    """Update the client's drafts of both sides with the ledger's usage since then."""
    for side in Side:
        for period in await pending_periods(session, side=side, now=now, since=since):
            rated = await rate_period(session, side=side, period=period, now=now, since=since)
            if rated.events:
                await draft_invoice(session, side=side, period=period, now=now)


async def total_wholesale(session: AsyncSession, now: datetime) -> None:
    """Update the MSP's wholesale drafts of this month and the previous one from its clients' shares."""
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
