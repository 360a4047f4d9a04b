"""Rating by itself: the timers, and what a run of each job does."""

from datetime import timedelta

import redis.asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from billing.jobs import LANE, RATE, TOTAL, billing_jobs, rate_client, schedule_rating, schedule_total, total_wholesale
from billing.repository import list_invoices
from billing.sides import Side
from foundation.clock import utc_now
from foundation.lanes.jobs import JobKinds
from foundation.lanes.ring import Ring
from foundation.lanes.work import NewWork, add_work
from foundation.lanes.worker import LaneWorker
from foundation.telemetry.metrics import LaneMetrics
from tests.billing.conftest import APRIL, MARCH, START, Market, uses


async def test_one_run_brings_both_sides_of_all_open_months_up_to_date(priced: Market) -> None:
    await priced.use(*uses(12), *uses(7, at=APRIL.start))
    now = APRIL.start + timedelta(days=2)
    async with priced.as_client() as session:
        await rate_client(session, now)
        await rate_client(session, now)
    async with priced.as_house() as session:
        await total_wholesale(session, now)
    async with priced.as_staff() as session:
        invoices = await list_invoices(session)
    assert [(one.side, one.period_start, one.total_minor) for one in invoices] == [
        (Side.WHOLESALE, APRIL.start, 21),
        (Side.RETAIL, APRIL.start, 20),
        (Side.WHOLESALE, MARCH.start, 36),
        (Side.RETAIL, MARCH.start, 70),
    ]


async def test_each_client_and_house_has_one_timer_of_the_rooms_own_kinds(priced: Market) -> None:
    later = START + timedelta(days=36500)  # the relay of another test never fires it
    for _ in range(2):
        async with priced.as_client() as session:
            await schedule_rating(session, later)
        async with priced.as_house() as session:
            await schedule_total(session, later)
    kinds = {kind.name for kind in billing_jobs(utc_now)}
    assert kinds == {RATE, TOTAL}
    for opened, kind in ((priced.as_client(), RATE), (priced.as_house(), TOTAL)):
        async with opened as session:
            assert (await session.scalars(text("SELECT kind FROM timer"))).all() == [kind]


async def test_a_run_of_each_job_does_its_work_and_sets_the_next_timer(
    priced: Market, valkey: "redis.asyncio.Redis"
) -> None:
    await priced.use(*uses(12))
    kinds = JobKinds(billing_jobs(lambda: priced.now, every=timedelta(days=36500)))
    worker = LaneWorker(priced.db, Ring(valkey), kinds, pool="shared", metrics=LaneMetrics(CollectorRegistry()))
    for scope, kind in ((priced.client, RATE), (priced.house, TOTAL)):
        async with priced.db.transaction(scope) as session:
            add_work(session, [NewWork(lane=LANE, kind=kind, key=kind)])
        await worker.run_lane(scope.msp_id, scope.tenant_id, LANE)
        async with priced.db.transaction(scope) as session:
            assert await session.scalar(text("SELECT count(*) FROM work")) == 0
            assert await session.scalar(text("SELECT count(*) FROM dead_letter")) == 0
            assert (await session.scalars(text("SELECT kind FROM timer"))).all() == [kind]
    async with priced.as_staff() as session:
        assert [invoice.total_minor for invoice in await list_invoices(session)] == [36, 70]
