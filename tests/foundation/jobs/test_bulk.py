"""A lane with a backlog is scheduled in the bulk queue until it has been short for a while; prompt batches go first."""

import asyncio
from typing import Any

import pytest
import redis
import redis.asyncio

from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.jobs.batch import Batch
from foundation.jobs.ready_queue import LaneClass, LaneTicket, ReadyQueue, ReadyQueueReader
from foundation.jobs.worker import PROMPT_BATCH
from foundation.scope import Scope
from tests.conftest import Urls
from tests.foundation.jobs.test_lanes import BULK_SECONDS, left, patient_queue, put, work, worker


@pytest.fixture
async def ready_queue(valkey: "redis.asyncio.Redis") -> ReadyQueue:
    await valkey.flushdb()
    return patient_queue(valkey)


def reader(urls: Urls, turns: LaneClass) -> ReadyQueueReader:
    return ReadyQueueReader(redis.Redis.from_url(urls.redis), turns)


async def take(reader: ReadyQueueReader) -> LaneTicket | None:
    return await asyncio.to_thread(reader.take, "shared", 0.2)


async def test_a_backlog_is_bulk_until_it_is_done(
    db: Database, valkey: "redis.asyncio.Redis", ready_queue: ReadyQueue, urls: Urls, scope: Scope
) -> None:
    sizes: list[int] = []

    async def note(batch: Batch[Any]) -> None:
        sizes.append(len(batch.items))

    await put(db, scope, *(work(str(n)) for n in range(PROMPT_BATCH + 100)))
    await put(db, scope, work("small", lane="u"))
    await valkey.flushdb()  # woken in the order of their insertion; a wake-up before the mark is one more prompt batch
    lanes = worker(db, valkey, note)
    prompt, bulk = reader(urls, LaneClass.PROMPT), reader(urls, LaneClass.BULK)

    await lanes.run_lane(scope.msp_id, scope.tenant_id, "t")
    assert await take(prompt) is None
    assert await take(bulk) == LaneTicket(scope.msp_id, scope.tenant_id, "t", bulk=True)
    await ready_queue.wake({(scope.msp_id, scope.tenant_id): {"t", "u"}})
    assert await take(prompt) == LaneTicket(scope.msp_id, scope.tenant_id, "u", bulk=False)

    await lanes.run_lane(scope.msp_id, scope.tenant_id, "t", bulk=True)
    assert sizes == [PROMPT_BATCH, 100]
    assert await left(db, scope) == 1
    await put(db, scope, work("next gust"))
    assert await take(bulk) == LaneTicket(scope.msp_id, scope.tenant_id, "t", bulk=True)

    mark = f"fl:lanes:bulk:{scope.msp_id}:{scope.tenant_id}"
    assert 0 < await valkey.pttl(mark) <= BULK_SECONDS * 1000
    await valkey.zadd(mark, {"t": 1})  # it expired
    await ready_queue.wake({(scope.msp_id, scope.tenant_id): {"t"}})
    assert await take(prompt) == LaneTicket(scope.msp_id, scope.tenant_id, "t", bulk=False)


async def test_a_prompt_batch_that_left_jobs_makes_the_lane_bulk(
    db: Database, valkey: "redis.asyncio.Redis", ready_queue: ReadyQueue, urls: Urls, scope: Scope
) -> None:
    """A few large jobs are a backlog, like many small ones."""
    batches: list[bool] = []

    async def one_at_a_time(batch: Batch[Any]) -> None:
        batches.append(batch.bulk)
        batch.skip(batch.items[1:])

    await put(db, scope, *(work(str(n)) for n in range(3)))
    await valkey.flushdb()
    lanes = worker(db, valkey, one_at_a_time)
    await lanes.run_lane(scope.msp_id, scope.tenant_id, "t")
    assert await take(reader(urls, LaneClass.PROMPT)) is None
    assert await take(reader(urls, LaneClass.BULK)) == LaneTicket(scope.msp_id, scope.tenant_id, "t", bulk=True)
    await lanes.run_lane(scope.msp_id, scope.tenant_id, "t", bulk=True)
    assert batches == [False, True]


async def test_prompt_batches_come_first_and_bulk_is_not_starved(ready_queue: ReadyQueue, urls: Urls) -> None:
    quiet, noisy = (new_id(), new_id()), (new_id(), new_id())
    lanes = {f"l{n:02}" for n in range(40)}
    for lane in lanes:
        await ready_queue.mark_bulk(*noisy, lane)
    await ready_queue.wake({noisy: lanes})
    await ready_queue.wake({quiet: lanes})
    both = reader(urls, LaneClass.ALL)
    taken = [ticket.bulk for _ in range(40) if (ticket := await take(both)) is not None]
    assert taken[0] is False
    assert taken.count(True) == 10


async def test_the_same_lane_name_of_another_tenant_stays_prompt(ready_queue: ReadyQueue, urls: Urls) -> None:
    one, other = (new_id(), new_id()), (new_id(), new_id())
    await ready_queue.mark_bulk(*one, "t")
    await ready_queue.wake({one: {"t"}, other: {"t"}})
    assert await take(reader(urls, LaneClass.PROMPT)) == LaneTicket(*other, "t", bulk=False)
    assert await take(reader(urls, LaneClass.BULK)) == LaneTicket(*one, "t", bulk=True)


async def test_marking_is_skipped_while_valkey_is_away(scope: Scope) -> None:
    away = ReadyQueue(redis.asyncio.Redis.from_url("redis://127.0.0.1:1"))
    await away.mark_bulk(scope.msp_id, scope.tenant_id, "t")
