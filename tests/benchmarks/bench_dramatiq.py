"""Lanes compared with Dramatiq's own RedisBroker: eight threads, default settings, the same Valkey, an empty job.

The guarantees differ. A lane's jobs are committed to disk in PostgreSQL together with their cause, keep their order,
are scheduled fairly among tenants, and are processed in batches of up to 250. Dramatiq's messages exist in Valkey's
memory only and are processed one by one.

Rounds: all jobs are enqueued, then one worker process is started. The rate counts from the start of the first job until
everything is acknowledged, i.e. until the job table or Dramatiq's hash of messages is empty. Start latency: each of ten
tenants gets a job every 0.5 to 1.5 s on both sides, in a lane or queue of its own, while both workers run. It is
measured from just before the enqueueing call, so on our side it includes the commit.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import redis
from dramatiq.brokers.redis import RedisBroker

from controlplane.services import Services
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.ready_queue import LaneClass
from foundation.scope import Scope
from tests.benchmarks.dramatiq_worker import Job, declare_jobs, default_broker
from tests.benchmarks.rig import NO_WORK, WAIT, Rig, Starts, new_tenant, quantile, recording_worker, running_rig
from tests.benchmarks.table import Row, at_least, at_most

ROUNDS = 3
JOBS, THEIR_JOBS = 50_000, 4_000  # each side takes a second or two
LANES, SLOTS = 8, 8
TENANTS, SECONDS = 10, 12.0
QUEUE = "bench"
Rates = tuple[float, float]  # enqueued and processed per second
Sent = dict[str, list[float]]  # by tenant: (enqueued at, seconds until the start)


def run() -> list[Row]:
    with running_rig() as rig:
        rounds = [(_our_round(rig), _their_round(rig)) for _ in range(ROUNDS)]
        ours, theirs = rig.run(lambda services: _start_latencies(rig, services))
    (enqueued, their_enqueued), (processed, their_processed) = (
        [statistics.median(pair[side][figure] for pair in rounds) for side in range(2)] for figure in range(2)
    )
    p50, p99, their_p50, their_p99 = (quantile(waits, part) * 1000 for waits in (ours, theirs) for part in (0.5, 0.99))
    return [
        Row(
            "no-op jobs/s in one worker process ÷ Dramatiq's",
            f"{processed / their_processed:.1f} ({processed:,.0f} / {their_processed:,.0f})",
            at_least(10, processed / their_processed),
        ),
        Row(
            f"enqueueing {JOBS:,} in one transaction ÷ send() in a loop: jobs/s",
            f"{enqueued / their_enqueued:.1f} ({enqueued:,.0f} / {their_enqueued:,.0f})",
            at_least(5, enqueued / their_enqueued),
        ),
        Row(
            "start of an idle tenant's job ÷ Dramatiq's: p99",
            f"{p99 / their_p99:.3f} ({p99:.1f} / {their_p99:.1f} ms; p50 {p50:.1f} / {their_p50:.1f} ms)",
            at_most(0.1, p99 / their_p99),
        ),
    ]


def _our_round(rig: Rig) -> Rates:
    scope = new_tenant()
    enqueueing = rig.run(lambda services: _enqueue(services, scope))
    with recording_worker(rig, "lanes_worker", "0", str(SLOTS), LaneClass.ALL) as done:
        ended = rig.wait(NO_WORK, 1, every=0.002)
    return JOBS / enqueueing, JOBS / (ended - _first_start(done, JOBS))


async def _enqueue(services: Services, scope: Scope) -> float:
    async with services.db.transaction(scope):
        pass  # opens a connection
    started = time.perf_counter()
    async with services.db.transaction(scope) as session:
        enqueue(session, [_job(n) for n in range(JOBS)])
    return time.perf_counter() - started


def _job(n: int) -> NewJob[Any]:
    return NewJob(f"bench/{n % LANES}", WAIT, str(n))


def _their_round(rig: Rig) -> Rates:
    broker, jobs = _their_side(rig, [QUEUE])
    send = jobs[QUEUE].send
    broker.client.ping()
    started = time.perf_counter()
    for _ in range(THEIR_JOBS):
        send(time.time())
    enqueueing = time.perf_counter() - started
    with recording_worker(rig, "dramatiq_worker", QUEUE) as done:
        ended = _wait_acknowledged(broker.client)
    broker.close()
    return THEIR_JOBS / enqueueing, THEIR_JOBS / (ended - _first_start(done, THEIR_JOBS))


def _their_side(rig: Rig, queues: list[str]) -> tuple[RedisBroker, dict[str, Job]]:
    broker = default_broker(rig.stack.settings.redis_url)
    return broker, declare_jobs(broker, queues, lambda _queue, _sent_at: None)


def _wait_acknowledged(client: "redis.Redis") -> float:
    deadline = time.monotonic() + 60
    while client.hlen(f"dramatiq:{QUEUE}.msgs"):
        if time.monotonic() > deadline:
            raise TimeoutError("Dramatiq's jobs were not done in 60 s")
        time.sleep(0.002)
    return time.time()


def _first_start(done: Starts, jobs: int) -> float:
    starts = [enqueued + wait for pairs in done.values() for enqueued, wait in pairs]
    if len(starts) != jobs:
        raise RuntimeError(f"{len(starts)} of {jobs} jobs were done")
    return min(starts)


async def _start_latencies(rig: Rig, services: Services) -> tuple[list[float], list[float]]:
    scopes = [new_tenant() for _ in range(TENANTS)]
    queues = [f"tenant-{n}" for n in range(TENANTS)]
    broker, jobs = _their_side(rig, queues)
    sent: Sent = {str(scope.tenant_id): [] for scope in scopes}
    their_sent: Sent = {queue: [] for queue in queues}
    with (
        recording_worker(rig, "lanes_worker", "0", str(SLOTS), LaneClass.ALL) as done,
        recording_worker(rig, "dramatiq_worker", *queues) as their_done,
    ):
        until = time.monotonic() + SECONDS
        async with asyncio.TaskGroup() as tasks:
            for scope in scopes:
                ours = partial(_add_one, services, scope)
                tasks.create_task(_now_and_then(ours, sent[str(scope.tenant_id)], until))
            for queue in queues:
                theirs = partial(_send_one, jobs[queue])
                tasks.create_task(_now_and_then(theirs, their_sent[queue], until))
        await asyncio.sleep(2.0)  # Dramatiq polls at least once a second
    broker.close()
    return _waits(sent, done), _waits(their_sent, their_done)


async def _now_and_then(enqueue: Callable[[], Awaitable[None]], sent: list[float], until: float) -> None:
    await asyncio.sleep(2.0)  # both workers have started
    while time.monotonic() < until:
        await asyncio.sleep(random.uniform(0.5, 1.5))
        sent.append(time.time())
        await enqueue()


async def _add_one(services: Services, scope: Scope) -> None:
    async with services.db.transaction(scope) as session:
        enqueue(session, [_job(0)])


async def _send_one(job: Job) -> None:
    job.send(time.time())


def _waits(sent: Sent, done: Starts) -> list[float]:
    """Latencies without each tenant's first job, which opens connections."""
    waits: list[float] = []
    for name, times in sent.items():
        starts = sorted(enqueued + wait for enqueued, wait in done[name])
        waits += [started - asked for asked, started in zip(times, starts, strict=True)][1:]
    return waits
