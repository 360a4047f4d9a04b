"""Rating jobs: their timers, and the effect of each run."""

from datetime import timedelta

import redis.asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from billing.job_types import DRAFT_AGAIN, LANE
from billing.jobs import (
    RATE,
    RERATE,
    TOTAL,
    billing_jobs,
    rate_client,
    rate_recent,
    schedule_rating,
    schedule_total,
    total_wholesale,
)
from billing.sides import Side
from foundation.clock import utc_now
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.ready_queue import ReadyQueue
from foundation.jobs.registry import JobRegistry
from foundation.jobs.worker import LaneWorker
from foundation.telemetry.metrics import LaneMetrics
from foundation.usage.meters import Meters
from tests.billing.conftest import APRIL, MARCH, START, Market, listed, uses

NONE = Meters([])


async def test_one_run_rates_both_sides_of_all_open_months(priced: Market) -> None:
    await priced.use(*uses(12), *uses(7, at=APRIL.start))
    now = APRIL.start + timedelta(days=2)
    async with priced.as_client() as session:
        await rate_client(session, now)
        await rate_client(session, now)
    async with priced.as_msp_account() as session:
        await total_wholesale(session, now)
    async with priced.as_staff() as session:
        invoices = await listed(session)
    assert [(one.side, one.period_start, one.total_minor) for one in invoices] == [
        (Side.WHOLESALE, APRIL.start, 21),
        (Side.RETAIL, APRIL.start, 20),
        (Side.WHOLESALE, MARCH.start, 36),
        (Side.RETAIL, MARCH.start, 70),
    ]


async def test_each_client_has_two_timers_and_each_msp_account_one_of_the_rooms_own_kinds(priced: Market) -> None:
    later = START + timedelta(days=36500)  # far in the future, so that another test's relay does not fire it
    for _ in range(2):
        async with priced.as_client() as session:
            await schedule_rating(session, later)
        async with priced.as_msp_account() as session:
            await schedule_total(session, later)
    kinds = {handler.job_type.name for handler in billing_jobs(utc_now, NONE)}
    assert kinds == {RATE.name, RERATE.name, TOTAL.name, DRAFT_AGAIN.name}
    for opened, wanted in ((priced.as_client(), [RATE.name, RERATE.name]), (priced.as_msp_account(), [TOTAL.name])):
        async with opened as session:
            assert (await session.scalars(text("SELECT kind FROM timer ORDER BY kind"))).all() == wanted


async def test_a_run_of_each_job_does_its_work_and_sets_the_next_timer(
    priced: Market, valkey: "redis.asyncio.Redis"
) -> None:
    await priced.use(*uses(12))
    job_types = JobRegistry(billing_jobs(lambda: priced.now, NONE, every=timedelta(days=36500)))
    metrics = LaneMetrics(CollectorRegistry())
    worker = LaneWorker(priced.db, ReadyQueue(valkey), job_types, pool="shared", metrics=metrics, lease=60)
    cases = (
        (priced.client, RATE, [RATE.name, RERATE.name]),
        (priced.client, RERATE, [RATE.name, RERATE.name]),
        (priced.msp_account, TOTAL, [TOTAL.name]),
    )
    for scope, job_type, wanted in cases:
        async with priced.db.transaction(scope) as session:
            enqueue(session, [NewJob(LANE, job_type, job_type.name)])
        await worker.run_lane(scope.msp_id, scope.tenant_id, LANE)
        async with priced.db.transaction(scope) as session:
            assert await session.scalar(text("SELECT count(*) FROM job")) == 0
            assert await session.scalar(text("SELECT count(*) FROM dead_letter")) == 0
            assert (await session.scalars(text("SELECT kind FROM timer ORDER BY kind"))).all() == wanted
    async with priced.as_staff() as session:
        assert [invoice.total_minor for invoice in await listed(session)] == [36, 70]


async def test_a_run_rates_the_last_days_and_the_daily_run_all_unrated_usage(priced: Market) -> None:
    now = APRIL.start + timedelta(days=2, hours=1)
    await priced.use(*uses(12), *uses(7, at=now - timedelta(days=1)))
    events = text("SELECT sum(events) FROM invoice_line")
    async with priced.as_client() as session:
        await rate_recent(session, now)
        assert await session.scalar(events) == 7
        await rate_recent(session, now)
        await rate_client(session, now)
        assert await session.scalar(events) == 19
        await rate_client(session, now)
        assert await session.scalar(events) == 19


async def test_rating_resumes_after_repeated_failures(priced: Market, valkey: "redis.asyncio.Redis") -> None:
    """More failures than the usual maximum of attempts."""
    worker = LaneWorker(
        priced.db, ReadyQueue(valkey), JobRegistry(billing_jobs(lambda: priced.now, NONE, every=timedelta(days=36500))),
        pool="shared", metrics=LaneMetrics(CollectorRegistry()), jitter=lambda: 1.0, lease=60,
    )  # fmt: skip
    msp_account = priced.msp_account
    async with priced.db.transaction(msp_account) as session:  # a client's job, refused in an MSP account
        enqueue(session, [NewJob(LANE, RATE, RATE.name)])
    for _ in range(12):
        await worker.run_lane(msp_account.msp_id, msp_account.tenant_id, LANE)
    async with priced.db.transaction(msp_account) as session:
        assert await session.scalar(text("SELECT count(*) FROM dead_letter")) == 0
        assert (await session.execute(text("SELECT kind, attempts >= 8 FROM job"))).one() == (RATE.name, True)
