"""An unresponsive database: callers time out, and retry over a new connection."""

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg
import pytest
import redis.asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from foundation.database.connecting import connect_to_database
from foundation.database.engine import Database
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.ready_queue import ReadyQueue
from foundation.jobs.registry import JobRegistry
from foundation.jobs.worker import LaneWorker
from foundation.scope import Scope
from foundation.telemetry.metrics import LaneMetrics
from foundation.valkey import valkey_client
from tests.conftest import Urls
from tests.support.faulty_link import FaultyLink, Trouble, end_of, faulty_link, over
from tests.support.jobs import job, job_type

LEASE_SECONDS = 4.0
PATIENCE_SECONDS = 90


@pytest.fixture
def link(urls: Urls) -> Iterator[FaultyLink]:
    with faulty_link(end_of(urls.app)) as opened:
        yield opened


async def test_a_connection_past_its_timeout_is_closed(urls: Urls, link: FaultyLink) -> None:
    connection = await connect_to_database(over(link, urls.app), round_trip_timeout=0.5)
    link.set_fault(Trouble(half_open=True))
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(psycopg.OperationalError, match=r"no answer within 0\.5 s"):
            await connection.execute("SELECT 1")
    assert connection.closed


async def test_an_error_of_a_statement_closes_nothing(urls: Urls) -> None:
    connection = await connect_to_database(urls.app, round_trip_timeout=PATIENCE_SECONDS)
    with pytest.raises(psycopg.errors.DivisionByZero):
        await connection.execute("SELECT 1 / 0")
    assert await (await connection.execute("SELECT 1")).fetchone() == (1,)
    await connection.close()


async def test_a_timeout_is_for_one_round_trip(urls: Urls) -> None:
    patience = 6.0
    connection = await connect_to_database(urls.app, round_trip_timeout=patience)
    begun = time.monotonic()
    while time.monotonic() - begun <= patience:
        await connection.execute("SELECT pg_sleep(0.2)")
    await connection.execute("SELECT 1")
    await connection.close()


async def test_a_batch_on_a_dead_connection_ends_and_the_next_one_does_its_jobs(
    urls: Urls, link: FaultyLink, db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    done: list[str] = []

    async def handle(batch: Batch[Any]) -> None:
        async with batch.commit() as session:
            if not done:
                done.append("begun")
                link.set_fault(Trouble(half_open=True))
            await session.execute(text("SELECT 1"))
        done.append("finished")

    async with db.transaction(scope) as session:
        enqueue(session, [NewJob("t", job_type("test.try"), "a")])
    linked = Database(over(link, urls.app), pool_size=3, round_trip_timeout=LEASE_SECONDS)
    worker = LaneWorker(
        linked, ReadyQueue(valkey), JobRegistry([job("test.try", handle)]), pool="shared",
        metrics=LaneMetrics(CollectorRegistry()), lease=LEASE_SECONDS,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not done:
            await worker.run_lane(scope.msp_id, scope.tenant_id, "t")
        assert done == ["begun"]
        while done[-1] != "finished":
            await asyncio.sleep(0.1)
            await worker.run_lane(scope.msp_id, scope.tenant_id, "t")
    async with db.transaction(scope) as session:
        assert (await session.execute(text("SELECT count(*) FROM job"))).scalar_one() == 0
    await linked.close()


async def test_an_outage_shorter_than_the_lease_costs_a_batch_nothing(
    urls: Urls, link: FaultyLink, db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    done: list[str] = []
    lease = 3 * LEASE_SECONDS

    async def lease_until() -> datetime:
        async with db.transaction(scope) as session:
            until: datetime = (await session.execute(text("SELECT lease_until FROM lane"))).scalar_one()
            return until

    async def handle(batch: Batch[Any]) -> None:
        first = await lease_until()
        link.set_fault(Trouble(reset=True))
        await asyncio.sleep(lease / 2)  # its first renewal, after a third of the lease, fails
        link.set_fault(Trouble())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await lease_until() == first:  # noqa: ASYNC110 - it happens in PostgreSQL
                await asyncio.sleep(0.1)
        done.append("finished")

    async with db.transaction(scope) as session:
        enqueue(session, [NewJob("t", job_type("test.try"), "a")])
    linked = Database(over(link, urls.app), pool_size=3)
    worker = LaneWorker(
        linked, ReadyQueue(valkey), JobRegistry([job("test.try", handle)]), pool="shared",
        metrics=LaneMetrics(CollectorRegistry()), lease=lease,
    )  # fmt: skip
    await worker.run_lane(scope.msp_id, scope.tenant_id, "t")
    assert done == ["finished"]
    async with db.transaction(scope) as session:
        assert (await session.execute(text("SELECT count(*) FROM job"))).scalar_one() == 0
    await linked.close()


async def test_a_lease_ends_here_no_later_than_in_the_database(
    urls: Urls, link: FaultyLink, db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    """The claim's response takes a while, and another worker may take the lane meanwhile without a late effect."""
    left: list[tuple[float, float]] = []

    async def handle(batch: Batch[Any]) -> None:
        async with db.transaction(scope) as session:
            until = text("SELECT extract(epoch FROM lease_until - clock_timestamp())::float8 FROM lane")
            there = (await session.execute(until)).scalar_one()
        left.append((batch._deadline - time.monotonic(), there))
        link.set_fault(Trouble())

    async with db.transaction(scope) as session:
        enqueue(session, [NewJob("t", job_type("test.try"), "a")])
    linked = Database(over(link, urls.app), pool_size=1)
    await linked.call("SELECT 1", ())
    link.set_fault(Trouble(latency_seconds=1.0))
    worker = LaneWorker(
        linked, ReadyQueue(valkey), JobRegistry([job("test.try", handle)]), pool="shared",
        metrics=LaneMetrics(CollectorRegistry()), lease=PATIENCE_SECONDS,
    )  # fmt: skip
    await worker.run_lane(scope.msp_id, scope.tenant_id, "t")
    ((here, there),) = left
    assert here <= there
    await linked.close()


async def test_a_silent_valkey_is_an_error(urls: Urls) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    client = valkey_client(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(redis.TimeoutError):
            await client.ping()
    await client.aclose()
    server.close()
