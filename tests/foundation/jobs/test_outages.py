"""A database outage costs a job no attempt; a failure of the job does."""

import asyncio
from typing import Any

import psycopg
import pytest
import redis.asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from foundation.database.engine import Database
from foundation.jobs.batch import Batch, is_outage
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.ready_queue import ReadyQueue
from foundation.jobs.registry import Handler, JobRegistry
from foundation.jobs.worker import LaneWorker
from foundation.scope import Scope
from foundation.telemetry.metrics import LaneMetrics
from tests.support.jobs import job, job_type


async def attempts_after(
    handler: Handler[Any], db: Database, valkey: "redis.asyncio.Redis", scope: Scope, *, seconds: float = 60.0
) -> int:
    async with db.transaction(scope) as session:
        enqueue(session, [NewJob("t", job_type("test.try"), "a")])
    job_types = JobRegistry([job("test.try", handler, seconds=seconds)])
    worker = LaneWorker(
        db, ReadyQueue(valkey), job_types, pool="shared", metrics=LaneMetrics(CollectorRegistry()), lease=60
    )
    await worker.run_lane(scope.msp_id, scope.tenant_id, "t")
    async with db.transaction(scope) as session:
        return int((await session.execute(text("SELECT attempts FROM job"))).scalar_one())


async def gone(db: Database, backend: int) -> None:
    async with asyncio.timeout(60):
        while True:
            async with db.transaction(None) as session:
                there = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
                if not (await session.execute(there, {"pid": backend})).scalar_one():
                    return
            await asyncio.sleep(0.05)


async def test_being_stopped_inside_a_transaction_is_an_outage(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    async def stopped(batch: Batch[Any]) -> None:
        async with batch.commit() as session:
            ours = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
            await gone(db, ours)

    assert await attempts_after(stopped, db, valkey, scope) == 0


async def test_a_connection_that_is_cut_is_an_outage(db: Database, valkey: "redis.asyncio.Redis", scope: Scope) -> None:
    async def cut(batch: Batch[Any]) -> None:
        async with batch.commit() as session:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    assert await attempts_after(cut, db, valkey, scope) == 0


async def test_after_an_outage_the_lane_is_free_at_once(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    async def cut(batch: Batch[Any]) -> None:
        async with batch.commit() as session:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    await attempts_after(cut, db, valkey, scope)
    async with db.transaction(scope) as session:
        lane = (await session.execute(text("SELECT holder, lease_until, crash_count FROM lane"))).one()
    assert tuple(lane) == (None, None, 0)


async def test_a_job_that_takes_too_long_has_failed(db: Database, valkey: "redis.asyncio.Redis", scope: Scope) -> None:
    async def slow(_: Batch[Any]) -> None:
        await asyncio.sleep(60)

    assert await attempts_after(slow, db, valkey, scope, seconds=0.1) == 1


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.IdleInTransactionSessionTimeout(), True),
        (psycopg.OperationalError("connection is bad"), True),
        (ConnectionResetError(), True),
        (psycopg.errors.DeadlockDetected(), False),
        (psycopg.errors.LockNotAvailable(), False),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.InterfaceError("closed"), False),
        (TimeoutError(), False),
        (ValueError(), False),
    ],
)
def test_outages_are_recognised(error: Exception, outage: bool) -> None:  # noqa: FBT001
    assert is_outage(error) is outage
