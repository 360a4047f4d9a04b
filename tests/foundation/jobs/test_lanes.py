"""Lanes: jobs are enqueued with their transaction and run in order, once, by the holder of the lease."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
import redis
import redis.asyncio
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.errors import Conflict
from foundation.i18n.messages import TEXT
from foundation.ids import new_id
from foundation.jobs.batch import Batch, Lease, LeaseLost
from foundation.jobs.dead_letters import discard_dead_letter, replay_dead_letter
from foundation.jobs.enqueue import NewJob, StoredJob, enqueue, enqueue_stored
from foundation.jobs.lanes import connection_lane
from foundation.jobs.ready_queue import LaneTicket, ReadyQueue, ReadyQueueReader
from foundation.jobs.registry import JobRegistry
from foundation.jobs.relay import Relay
from foundation.jobs.types import RetryPolicy
from foundation.jobs.worker import LaneWorker
from foundation.scope import Scope
from foundation.telemetry.metrics import LaneMetrics
from tests.conftest import Urls
from tests.support.jobs import NotePayload, job, job_type, list_dead_letters

PATIENCE_SECONDS, BULK_SECONDS = 60, 600


def work(key: str, *, lane: str = "t", kind: str = "test.note", delay: float = 0.0) -> NewJob[Any]:
    return NewJob(lane, job_type(kind, NotePayload), key, payload=NotePayload(key), delay=delay)


def patient_queue(valkey: "redis.asyncio.Redis") -> ReadyQueue:
    """Ready queue with long time limits, so that a pause of the machine loses no hint or mark."""
    return ReadyQueue(valkey, time_limit=PATIENCE_SECONDS, bulk_seconds=BULK_SECONDS)


def worker(
    db: Database, valkey: "redis.asyncio.Redis", handler: Callable[[Batch[Any]], Awaitable[None]], **options: object
) -> LaneWorker:
    lease = float(options.pop("lease", PATIENCE_SECONDS))  # type: ignore[arg-type]
    ring = options.pop("ring", None) or patient_queue(valkey)
    note = job("test.note", handler, NotePayload, **options)
    metrics = LaneMetrics(CollectorRegistry())
    return LaneWorker(db, ring, JobRegistry([note]), pool="shared", metrics=metrics, lease=lease)  # type: ignore[arg-type]


async def put(db: Database, scope: Scope, *items: NewJob[Any]) -> None:
    async with db.transaction(scope) as session:
        enqueue(session, items)


async def left(db: Database, scope: Scope) -> int:
    async with db.transaction(scope) as session:
        return int((await session.execute(text("SELECT count(*) FROM job"))).scalar_one())


async def test_a_job_of_a_rolled_back_transaction_never_exists(db: Database, scope: Scope) -> None:
    async def change_of_mind() -> None:
        async with db.transaction(scope) as session:
            enqueue(session, [work("a")])
            raise RuntimeError("change of mind")

    with pytest.raises(RuntimeError, match="change of mind"):
        await change_of_mind()
    assert await left(db, scope) == 0


async def test_a_batch_runs_in_order_and_leaves_nothing(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    seen: list[str] = []

    async def note(batch: Batch[Any]) -> None:
        seen.extend(item.key for item in batch.items)

    await put(db, scope, *(work(str(n)) for n in range(20)))
    await worker(db, valkey, note).run_lane(scope.msp_id, scope.tenant_id, "t")
    assert seen == [str(n) for n in range(20)]
    assert await left(db, scope) == 0


async def test_effects_and_completion_are_one_commit(db: Database, valkey: "redis.asyncio.Redis", scope: Scope) -> None:
    async def fail_after_effect(batch: Batch[Any]) -> None:
        async with batch.commit() as session:
            enqueue(session, [work("effect", lane="elsewhere")])
            await session.execute(text("SELECT 1/0"))

    await put(db, scope, work("a"))
    await worker(db, valkey, fail_after_effect).run_lane(scope.msp_id, scope.tenant_id, "t")
    async with db.transaction(scope) as session:
        rows = (await session.execute(text("SELECT lane, attempts, delayed FROM job"))).all()
    assert [tuple(row) for row in rows] == [("t", 1, True)]


async def test_a_delayed_job_delays_its_key_and_no_other(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    seen: list[str] = []

    async def note(batch: Batch[Any]) -> None:
        for item in batch.items:
            if item.payload == NotePayload("red") and item.attempts == 0 and "red" not in seen:
                batch.retry(item, delay=30, error=TEXT.write(text="not now"))
                seen.append("red")
                return_rest = [other for other in batch.items if other.key == "red" and other.seq != item.seq]
                batch.skip(return_rest)
            elif item.key != "red":
                seen.append(item.key)

    await put(db, scope, work("red"), work("blue"))
    lane = worker(db, valkey, note)
    await lane.run_lane(scope.msp_id, scope.tenant_id, "t")
    await put(db, scope, work("red"), work("green"))
    await lane.run_lane(scope.msp_id, scope.tenant_id, "t")
    assert seen == ["red", "blue", "green"]
    assert await left(db, scope) == 2


async def test_a_poison_job_is_isolated_and_dead_lettered_and_its_neighbours_are_done(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    done: list[str] = []

    async def brittle(batch: Batch[Any]) -> None:
        if any(item.key == "13" for item in batch.items):
            raise ValueError("thirteen")
        done.extend(item.key for item in batch.items)

    await put(db, scope, *(work(str(n)) for n in range(40)))
    lane = worker(db, valkey, brittle, batch=16, retry=RetryPolicy(attempts=1))
    for _ in range(60):
        await lane.run_lane(scope.msp_id, scope.tenant_id, "t")
    assert sorted(done, key=int) == [str(n) for n in range(40) if n != 13]
    async with db.transaction(scope) as session:
        letters = await list_dead_letters(session)
        assert [(letter.key, letter.error) for letter in letters] == [
            ("13", {"code": "failed", "params": {"type": "ValueError", "error": "thirteen"}})
        ]
        await replay_dead_letter(session, letters[0].id, now=utc_now())
    assert await left(db, scope) == 1
    for again in (replay_dead_letter, discard_dead_letter):
        with pytest.raises(Conflict, match="already replayed"):
            async with db.transaction(scope) as session:
                await again(session, letters[0].id, now=utc_now())
    assert await left(db, scope) == 1


async def test_a_payload_that_does_not_decode_is_a_dead_letter_with_its_bytes_and_the_others_are_done_in_order(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    done: list[str] = []

    async def note(batch: Batch[NotePayload]) -> None:
        done.extend(item.payload.key for item in batch.items)

    odd = StoredJob("t", "test.note", "odd", None, {"key": ["no", "text"], "more": 1})
    async with db.transaction(scope) as session:
        enqueue(session, [work("a")])
        enqueue_stored(session, [odd])
        enqueue(session, [work("b"), NewJob("t", job_type("test.note", NotePayload), "c")])
    lane = worker(db, valkey, note)
    for _ in range(3):
        await lane.run_lane(scope.msp_id, scope.tenant_id, "t")
    assert done == ["a", "b", ""], "without a payload its fields have their defaults"
    async with db.transaction(scope) as session:
        (letter,) = await list_dead_letters(session)
        assert (letter.key, letter.payload, letter.attempts) == ("odd", odd.payload, 1)
        why = {"code": "text", "params": {"text": "Expected `str`, got `array` - at `$.key`"}}
        params = {"kind": "test.note", "error": why}
        assert letter.error == {"code": "job.payload_invalid", "params": params}
        await replay_dead_letter(session, letter.id, now=utc_now())
    async with db.transaction(scope) as session:
        assert (await session.execute(text("SELECT payload FROM job"))).scalars().all() == [odd.payload]


def test_a_job_without_the_payload_that_its_type_needs_is_not_made() -> None:
    class Needy(msgspec.Struct):
        number: int

    with pytest.raises(TypeError, match="number"):
        NewJob("t", job_type("test.needy", Needy), "k")


def test_a_batch_has_the_connection_of_its_lane(scope: Scope) -> None:
    connection_id = new_id()

    def batch(lane: str) -> Batch[Any]:
        return Batch(None, scope, Lease(lane, 1, 1.0), [])  # type: ignore[arg-type]

    assert batch(connection_lane("push", connection_id)).connection_id == connection_id
    with pytest.raises(ValueError, match="badly formed"):
        _ = batch("repair").connection_id


def test_two_handlers_of_one_type_do_not_start() -> None:
    async def nothing(_: Batch[Any]) -> None:
        pass

    with pytest.raises(ValueError, match=r"two handlers for test\.note"):
        JobRegistry([job("test.note", nothing), job("test.note", nothing)])


@given(st.integers(0, 200), st.floats(0, 1, exclude_min=True))
def test_a_delay_is_drawn_up_to_a_bound_that_doubles(attempt: int, draw: float) -> None:
    policy = RetryPolicy(base=0.5, cap=300.0)
    bound = min(300.0, 0.5 * 2.0 ** min(attempt, 30))
    assert policy.delay(attempt, draw) == bound * draw


async def test_a_worker_without_its_lease_is_fenced_off(
    db: Database, valkey: "redis.asyncio.Redis", urls: Urls, scope: Scope
) -> None:
    """Its event loop stops in a thread of its own, with the renewals, as under SIGSTOP."""
    resumed, stopped = threading.Event(), threading.Event()
    late: list[str] = []
    done: list[str] = []

    async def stop_and_resume(batch: Batch[Any]) -> None:
        stopped.set()
        resumed.wait()
        with pytest.raises(LeaseLost):
            batch.check_lease()
        async with batch.commit() as session:
            late.append("written inside a transaction that must not commit")
            enqueue(session, [work("of a zombie")])

    async def be_a_zombie() -> None:
        own, client = Database(urls.app, pool_size=3), redis.asyncio.Redis.from_url(urls.redis)
        while not stopped.is_set():  # a claim under so short a lease may be abandoned
            await worker(own, client, stop_and_resume, lease=2.0).run_lane(scope.msp_id, scope.tenant_id, "t")
        await own.close()
        await client.aclose()

    async def honest(batch: Batch[Any]) -> None:
        done.extend(item.key for item in batch.items)

    await put(db, scope, work("a"))
    zombie = asyncio.create_task(asyncio.to_thread(asyncio.run, be_a_zombie()))
    try:
        assert await asyncio.to_thread(stopped.wait, PATIENCE_SECONDS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not done:
                await asyncio.sleep(0.1)
                await worker(db, valkey, honest).run_lane(scope.msp_id, scope.tenant_id, "t")
    finally:
        resumed.set()
        await zombie
    assert (done, len(late)) == (["a"], 1)
    assert await left(db, scope) == 0


async def test_the_cap_bounds_running_lanes_and_a_finished_one_wakes_the_waiting(
    db: Database, valkey: "redis.asyncio.Redis", urls: Urls, scope: Scope
) -> None:
    async with db.transaction(scope) as session:
        await session.execute(
            text("INSERT INTO lane_share (tenant_id, msp_id, cap) VALUES (:t, :m, 1)"),
            {"t": scope.tenant_id, "m": scope.msp_id},
        )
    at_work, most = 0, 0
    begun, gate = asyncio.Event(), asyncio.Event()

    async def busy(batch: Batch[Any]) -> None:
        nonlocal at_work, most
        begun.set()
        at_work += 1
        most = max(most, at_work)
        await gate.wait()
        at_work -= 1

    await put(db, scope, work("a", lane="one"), work("b", lane="two"))
    await valkey.flushdb()
    lanes = worker(db, valkey, busy)
    first = asyncio.create_task(lanes.run_lane(scope.msp_id, scope.tenant_id, "one"))
    await begun.wait()
    await lanes.run_lane(scope.msp_id, scope.tenant_id, "two")
    gate.set()
    await first
    assert most == 1
    reader = ReadyQueueReader(redis.Redis.from_url(urls.redis))
    ticket = await asyncio.to_thread(reader.take, "shared", 30.0)
    assert ticket == LaneTicket(scope.msp_id, scope.tenant_id, "two", bulk=False)


async def test_the_relay_wakes_lost_and_due_lanes(
    db: Database, relay_db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    done: list[str] = []

    async def note(batch: Batch[Any]) -> None:
        done.extend(item.key for item in batch.items)

    await put(db, scope, work("now"), work("later", delay=60))
    await valkey.flushdb()
    relay = Relay(relay_db, ReadyQueue(valkey), metrics=LaneMetrics(CollectorRegistry()))
    wait = await relay.sweep()
    assert wait <= 0.5
    assert await valkey.zcard("fl:lanes:ring:shared") >= 1
    lane = worker(db, valkey, note)
    await lane.run_lane(scope.msp_id, scope.tenant_id, "t")
    assert done == ["now"]
    async with db.transaction(scope) as session:
        await session.execute(text("UPDATE job SET ready_at = clock_timestamp()"))
    await valkey.flushdb()
    await relay.sweep()
    member = f"{scope.msp_id}:{scope.tenant_id}"
    assert await valkey.zscore("fl:lanes:ring:shared", member) is not None
    await lane.run_lane(scope.msp_id, scope.tenant_id, "t")
    assert done == ["now", "later"]


async def test_a_second_tenant_sees_no_jobs(db: Database, scope: Scope, other_scope: Scope) -> None:
    await put(db, scope, work("secret"))
    assert await left(db, other_scope) == 0


async def test_batches_are_shared_by_weight(valkey: "redis.asyncio.Redis", urls: Urls) -> None:
    await valkey.flushdb()
    ready_queue, reader = ReadyQueue(valkey), ReadyQueueReader(redis.Redis.from_url(urls.redis))
    msp, heavy, light = new_id(), new_id(), new_id()
    await ready_queue.set_shares([(msp, heavy, "shared", 3)])
    lanes = {f"l{n}" for n in range(100)}
    await ready_queue.wake({(msp, heavy): lanes, (msp, light): lanes})
    turns = [await asyncio.to_thread(reader.take, "shared", 1.0) for _ in range(80)]
    heavy_turns = sum(1 for turn in turns if turn is not None and turn.tenant_id == heavy)
    assert 58 <= heavy_turns <= 62


async def test_an_idle_tenant_is_served_beside_a_flooding_one(valkey: "redis.asyncio.Redis", urls: Urls) -> None:
    await valkey.flushdb()
    ready_queue, reader = ReadyQueue(valkey), ReadyQueueReader(redis.Redis.from_url(urls.redis))
    msp, noisy, quiet = new_id(), new_id(), new_id()
    await ready_queue.wake({(msp, noisy): {f"l{n}" for n in range(100)}})
    for _ in range(50):
        await asyncio.to_thread(reader.take, "shared", 1.0)
    await ready_queue.wake({(msp, quiet): {"only"}})
    next_two = [await asyncio.to_thread(reader.take, "shared", 1.0) for _ in range(2)]
    assert quiet in {turn.tenant_id for turn in next_two if turn is not None}


async def test_a_pinned_tenant_is_served_by_its_own_pool_only(
    db: Database, relay_db: Database, valkey: "redis.asyncio.Redis", urls: Urls, scope: Scope
) -> None:
    done: list[str] = []

    async def note(batch: Batch[Any]) -> None:
        done.extend(item.key for item in batch.items)

    pool = f"tenant-{scope.tenant_id}"
    async with db.transaction(scope) as session:
        await session.execute(
            text("INSERT INTO lane_share (tenant_id, msp_id, pool) VALUES (:t, :m, :pool)"),
            {"t": scope.tenant_id, "m": scope.msp_id, "pool": pool},
        )
    await put(db, scope, work("a"))
    await worker(db, valkey, note).run_lane(scope.msp_id, scope.tenant_id, "t")
    assert done == [], "a shared worker took a pinned tenant's work"
    await valkey.flushdb()
    await Relay(relay_db, ReadyQueue(valkey), metrics=LaneMetrics(CollectorRegistry())).sweep()
    reader = ReadyQueueReader(redis.Redis.from_url(urls.redis))
    ticket = await asyncio.to_thread(reader.take, pool, 2.0)
    assert ticket == LaneTicket(scope.msp_id, scope.tenant_id, "t", bulk=False)
    job_types, metrics = JobRegistry([job("test.note", note, NotePayload)]), LaneMetrics(CollectorRegistry())
    own = LaneWorker(db, patient_queue(valkey), job_types, pool=pool, metrics=metrics, lease=PATIENCE_SECONDS)
    await own.run_lane(scope.msp_id, scope.tenant_id, "t")
    assert done == ["a"]


async def test_the_age_of_the_oldest_ready_job_is_reported_per_tenant(
    db: Database, relay_db: Database, valkey: "redis.asyncio.Redis", scope: Scope, other_scope: Scope
) -> None:
    await put(db, scope, work("old"))
    await put(db, other_scope, work("later", delay=3600))
    async with db.transaction(scope) as session:
        await session.execute(text("UPDATE job SET ready_at = clock_timestamp() - interval '90 seconds'"))
    registry = CollectorRegistry()
    await Relay(relay_db, ReadyQueue(valkey), metrics=LaneMetrics(registry)).sweep()
    age = registry.get_sample_value("fairlead_queue_oldest_age_seconds", {"tenant_id": str(scope.tenant_id)})
    assert age is not None
    assert 89 < age < 200
    waiting = registry.get_sample_value("fairlead_queue_oldest_age_seconds", {"tenant_id": str(other_scope.tenant_id)})
    assert waiting is None, "what is not yet due does not wait"
