"""Valkey only transports hints: during its outage no caller waits for it, and workers resume on their own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import redis.asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.jobs.batch import Batch
from foundation.jobs.broker import LaneBroker
from foundation.jobs.ready_queue import LaneTicket, ReadyQueue, ReadyQueueReader
from foundation.jobs.relay import Relay
from foundation.jobs.worker import PROMPT_BATCH
from foundation.scope import Scope
from foundation.telemetry.metrics import LaneMetrics
from foundation.valkey import blocking_valkey_client, valkey_client
from tests.conftest import Urls
from tests.foundation.jobs.test_lanes import left, put, work, worker
from tests.support.faulty_link import WELL, FaultyLink, Trouble, faulty_link

NOBODY = "redis://127.0.0.1:1/0"
PATIENCE_SECONDS = 60


@pytest.fixture
async def hanging() -> AsyncIterator[str]:
    """A server that accepts connections and never responds."""
    gone = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    gone.set()
    server.close()
    await server.wait_closed()


async def test_a_wakeup_to_a_hanging_valkey_times_out(hanging: str) -> None:
    # Without a timeout of its own, so that the hint's own timeout applies.
    client = redis.asyncio.Redis.from_url(hanging, socket_timeout=None, socket_connect_timeout=None)
    async with asyncio.timeout(PATIENCE_SECONDS) as patience:
        await ReadyQueue(client).hint({(new_id(), new_id()): {"lane"}})
    assert not patience.expired(), "the library turns a cancellation while it connects into an error of its own"
    await client.aclose()


async def test_an_absent_valkey_is_reported_after_one_retry() -> None:
    tried = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tried
        tried += 1
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    client = valkey_client(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    for name in ("socket_connect_timeout", "socket_timeout"):  # this test is about disconnection, not timeouts
        assert client.connection_pool.connection_kwargs[name]
        client.connection_pool.connection_kwargs[name] = PATIENCE_SECONDS
    with pytest.raises(redis.ConnectionError):
        await client.ping()
    assert tried == 2
    await client.aclose()
    server.close()


async def test_a_consumer_survives_an_outage_with_its_slots() -> None:
    client = blocking_valkey_client(NOBODY)
    consumer = LaneBroker(client, slots=1, middleware=[]).consume("shared", timeout=100)
    for _ in range(3):
        assert await asyncio.to_thread(next, consumer) is None
    client.close()


@pytest.fixture
def link(urls: Urls) -> Iterator[FaultyLink]:
    """A link to the real Valkey."""
    end = urlsplit(urls.redis)
    with faulty_link(end.path if end.scheme == "unix" else (end.hostname or "", end.port or 6379)) as opened:
        yield opened


def over(link: FaultyLink, url: str) -> str:
    end = urlsplit(url)
    number = end.query.removeprefix("db=") if end.scheme == "unix" else end.path.removeprefix("/")
    return f"redis://127.0.0.1:{link.port}/{number or 0}"


AWAY = pytest.mark.parametrize("trouble", [Trouble(reset=True), Trouble(blackhole=True)], ids=["gone", "silent"])


@AWAY
async def test_a_lane_over_its_cap_is_left_to_the_relay_while_valkey_is_away(  # noqa: PLR0917 - fixtures
    trouble: Trouble,
    db: Database,
    valkey: "redis.asyncio.Redis",
    link: FaultyLink,
    urls: Urls,
    scope: Scope,
    relay_db: Database,
) -> None:
    await valkey.flushdb()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def busy(_: Batch[Any]) -> None:
        begun.set()
        await go_on.wait()

    await put(db, scope, work("a", lane="one"), work("b", lane="two"))
    async with db.transaction(scope) as session:
        await session.execute(
            text("INSERT INTO lane_share (tenant_id, msp_id, cap) VALUES (:t, :m, 1)"),
            {"t": scope.tenant_id, "m": scope.msp_id},
        )
    client = valkey_client(over(link, urls.redis))
    await client.ping()
    lanes = worker(db, client, busy, ring=ReadyQueue(client))
    first = asyncio.create_task(lanes.run_lane(scope.msp_id, scope.tenant_id, "one"))
    await begun.wait()
    link.set_fault(trouble)
    async with asyncio.timeout(60):
        await lanes.run_lane(scope.msp_id, scope.tenant_id, "two")
        go_on.set()
        await first
    assert await left(db, scope) == 1
    link.set_fault(WELL)
    await valkey.flushdb()
    await Relay(relay_db, ReadyQueue(valkey), metrics=LaneMetrics(CollectorRegistry())).sweep()
    reader, owner = ReadyQueueReader(redis.Redis.from_url(urls.redis)), (scope.msp_id, scope.tenant_id)
    rung = []
    while (ticket := await asyncio.to_thread(reader.take, "shared", 0.1)) is not None:  # including those of other tests
        rung.append(ticket)
    assert LaneTicket(*owner, "two", bulk=False) in rung
    await client.aclose()


@AWAY
async def test_a_backlog_is_processed_while_valkey_is_away(
    trouble: Trouble, db: Database, link: FaultyLink, urls: Urls, scope: Scope
) -> None:
    async def done(_: Batch[Any]) -> None:
        return

    await put(db, scope, *(work(str(n)) for n in range(PROMPT_BATCH + 1)))
    client = valkey_client(over(link, urls.redis))
    link.set_fault(trouble)
    async with asyncio.timeout(60):
        for _ in range(2):
            await worker(db, client, done, ring=ReadyQueue(client)).run_lane(scope.msp_id, scope.tenant_id, "t")
    assert await left(db, scope) == 0
    await client.aclose()
