"""Rating jobs: timers per client for its drafts, one per MSP for its wholesale total.

A run processes recent usage only, so that its cost stays the same in a client's tenth year; once a day one processes
all.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from billing.entitlements.notices import notice_entitlements
from billing.entitlements.rules import apply_entitlements
from billing.invoices.advance import advance_invoices
from billing.invoices.draft import draft_invoice, draft_wholesale
from billing.invoices.redraft_job import redraft_handler
from billing.job_types import DRAFT_AGAIN, LANE
from billing.limits.manage import check_limits
from billing.packs.review import review_packs
from billing.periods import EPOCH, month_before, month_of
from billing.rating.collect import collect_priced
from billing.rating.rate_usage import pending_periods, rate_period
from billing.rating_runs import record_rating
from billing.reconciliation.rollups import review_rollups
from billing.sides import Side
from billing.subscriptions.source import months_to_draft
from billing.taxes.request import request_due_calculations
from billing.vat_checks.request import request_due_vat_checks
from billing.wallets.notices import review_credit
from foundation.clock import Clock
from foundation.entitlements.features import Features
from foundation.ids import new_id
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import set_timer
from foundation.jobs.registry import Handler, JobHandler
from foundation.jobs.repair import restart_timers
from foundation.jobs.types import ENDLESS, JobType, NoPayload
from foundation.marks import N_
from foundation.usage.meters import Meters

RATE = JobType("billing.rate_usage", N_("Rate recent usage"), NoPayload, batch=1, retry=ENDLESS)
RERATE = JobType(
    "billing.rerate_usage", N_("Rate all usage of open months"), NoPayload, batch=1, seconds=600.0, retry=ENDLESS
)
TOTAL = JobType("billing.total_wholesale", N_("Calculate the wholesale invoice"), NoPayload, batch=1, retry=ENDLESS)
JOB_TYPES = (RATE, RERATE, TOTAL, DRAFT_AGAIN)
RECENT = timedelta(days=2)
NO_FEATURES = Features([])
RERATE_EVERY = timedelta(days=1)

BillingStep = Callable[[AsyncSession, datetime], Awaitable[None]]


def billing_jobs(
    clock: Clock, meters: Meters, features: Features = NO_FEATURES, *, every: timedelta = timedelta(minutes=15)
) -> tuple[JobHandler[NoPayload], ...]:
    """Job handlers of this room; each run sets the timer of the next, `every` later."""
    recent = _noticing(_collecting(rate_recent, meters, RECENT), features)
    all_ = _collecting(bill_client, meters, None)
    return (
        JobHandler(RATE, _handler(recent, schedule_rating, clock, every)),
        JobHandler(RERATE, _handler(all_, _schedule_rerating, clock, RERATE_EVERY)),
        JobHandler(TOTAL, _handler(total_wholesale, schedule_total, clock, every)),
        JobHandler(DRAFT_AGAIN, redraft_handler(clock)),
    )


async def schedule_rating(session: AsyncSession, now: datetime) -> None:
    """Start the self-rescheduling rating of a new client at `now`, in its scope. Call once."""
    await set_timer(session, name=RATE.name, lane=LANE, job_type=RATE, due_at=now)
    await _schedule_rerating(session, now + RERATE_EVERY)


async def _schedule_rerating(session: AsyncSession, now: datetime) -> None:
    await set_timer(session, name=RERATE.name, lane=LANE, job_type=RERATE, due_at=now)


async def schedule_total(session: AsyncSession, now: datetime) -> None:
    """Start the self-rescheduling totals of an MSP's wholesale invoice at `now`, in the scope of the MSP account."""
    await set_timer(session, name=TOTAL.name, lane=LANE, job_type=TOTAL, due_at=now)


async def repair_billing(session: AsyncSession, now: datetime) -> None:
    """Restart the stopped timers of a client, or of an MSP account."""
    await restart_timers(session, (RATE, RERATE, TOTAL), now=now, longest=2 * RERATE_EVERY)


async def rate_recent(session: AsyncSession, now: datetime) -> None:
    """Update the client's drafts of both sides with the usage of recent days, give notice of its limits, and apply its
    current entitlements.
    """
    await rate_client(session, now, since=now - RECENT)
    await check_limits(session, now=now)
    await request_due_vat_checks(session, now)
    await request_due_calculations(session, now)
    await apply_entitlements(session, now)


async def rate_client(session: AsyncSession, now: datetime, since: datetime = EPOCH) -> None:
    """Update the client's drafts of both sides with the ledger's usage since then, and with fees of subscriptions."""
    for side in Side:
        for period in await pending_periods(session, side=side, now=now, since=since):
            rated = await rate_period(session, side=side, period=period, now=now, since=since)
            if rated.is_changed:
                await draft_invoice(session, side=side, period=period, now=now)
    for period in await months_to_draft(session, now):
        await draft_invoice(session, side=Side.RETAIL, period=period, now=now)


async def bill_client(session: AsyncSession, now: datetime) -> None:
    """Update the client's drafts with all usage, and make the daily moves of its invoices."""
    await rate_client(session, now)
    await advance_invoices(session, now, new_id=new_id)
    await review_credit(session, now, new_id=new_id)
    await review_packs(session, now, new_id=new_id)
    await review_rollups(session, now)
    await request_due_calculations(session, now)


async def total_wholesale(session: AsyncSession, now: datetime) -> None:
    """Update the MSP's wholesale drafts of this month and the previous one from its clients' shares."""
    this = month_of(now)
    for period in (month_before(now), this):
        await draft_wholesale(session, period=period, now=now)


def _collecting(step: BillingStep, meters: Meters, back: timedelta | None) -> BillingStep:
    """`step`, preceded by entering usage counted from rows of other rooms: since `back` ago, or all."""

    async def collect(session: AsyncSession, now: datetime) -> None:
        await collect_priced(session, meters, since=EPOCH if back is None else now - back, now=now)
        await step(session, now)

    return collect


def _noticing(step: BillingStep, features: Features) -> BillingStep:
    """`step`, followed by the notices about entitlements."""

    async def notice(session: AsyncSession, now: datetime) -> None:
        await step(session, now)
        await notice_entitlements(session, features, now)

    return notice


def _handler(step: BillingStep, schedule: BillingStep, clock: Clock, every: timedelta) -> Handler[NoPayload]:
    async def handle(batch: Batch[NoPayload]) -> None:
        now = clock()
        async with batch.commit() as session:
            await step(session, now)
            await schedule(session, now + every)
            if schedule is schedule_rating:
                await record_rating(session, now=now, next_at=now + every)

    return handle
