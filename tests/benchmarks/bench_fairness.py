"""A tenant with little load beside one with a backlog, at the level of lanes and end to end.

Lanes: ten tenants get 20 jobs a second each while another has a backlog of 100,000. Each job awaits 2 ms, as a call to
another system would, or nothing, so that the processor is the limit. The latency is from enqueueing to the start of the
job. FIFO is the same load in lanes of one tenant: the ten tenants' jobs queue behind the backlog. End to end: a client
changes one price every 50 ms while another sends 100,000 changes; the latency is from the commit in the ERP to the
read-back.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import count
from multiprocessing import get_context
from typing import Any
from uuid import UUID

import httpx2

from canonical.elements import PRICE
from controlplane.services import Services, build_services
from foundation.clock import utc_now
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.ready_queue import LaneClass
from foundation.scope import Scope
from foundation.settings import Settings
from tests.benchmarks.load import LoadPlan, Target, start_load
from tests.benchmarks.rig import (
    FIRST_PRICE,
    NO_WORK,
    WAIT,
    Client,
    Rig,
    Starts,
    change,
    clients_at_work,
    deliver,
    new_tenant,
    quantile,
    recording_worker,
    running_rig,
)
from tests.benchmarks.table import Row, at_least, at_most
from tests.support.values import with_minor

FLOOD = 100_000
FLOOD_LANES = 8
QUIET_TENANTS, QUIET_RATE = 10, 20.0
SECONDS = 5.0
ROUNDS = 3
SKUS = 2_500
SLOTS = 16


def run() -> list[Row]:
    with running_rig() as rig:
        rows = _lanes(rig, "2 ms a call", call=0.002) + _lanes(rig, "no call", call=0.0)
    with running_rig() as rig:
        return rows + _whole_way(rig)


def _lanes(rig: Rig, limit: str, *, call: float) -> list[Row]:
    """Medians of several rounds: a round's p99 is its ten slowest jobs, which one pause of the machine can cause."""
    alone, beside, medians, rates, fifo_rates = [], [], [], [], []
    for _ in range(ROUNDS):
        waits, rate, (began, ended) = _flooded(rig, fair=True, call=call)
        before = [wait for enqueued, wait in waits if enqueued < began]
        during = [wait for enqueued, wait in waits if began <= enqueued < ended]
        alone.append(quantile(before, 0.99) * 1000)
        beside.append(quantile(during, 0.99) * 1000)
        medians.append(statistics.median(during) / statistics.median(before))
        rates.append(rate)
        fifo_rates.append(_flooded(rig, fair=False, call=call)[1])
    one, other = statistics.median(beside), statistics.median(alone)
    fair_rate, fifo_rate = statistics.median(rates), statistics.median(fifo_rates)
    return [
        Row(
            f"lanes, {limit}, quiet p99 beside a flood ÷ alone",
            f"{one / other:.2f} ({one:.1f} / {other:.1f} ms; p50 {statistics.median(medians):.2f})",
            at_most(1.2, one / other),
        ),
        Row(
            f"lanes, {limit}, items/s in all, fair ÷ FIFO",
            f"{fair_rate / fifo_rate:.2f} ({fair_rate:,.0f} / {fifo_rate:,.0f})",
            at_least(0.95, fair_rate / fifo_rate),
        ),
    ]


def _flooded(rig: Rig, *, fair: bool, call: float) -> tuple[list[tuple[float, float]], float, tuple[float, float]]:
    """Latencies of the quiet tenants' jobs, jobs per second during the backlog, and the backlog's start and end."""
    with _workers(rig, call) as done:
        rig.run(lambda services: _put(services, new_tenant(), 1))
        rig.wait(NO_WORK, 1)
        started = time.time() + 1.0  # connections are opened during the first second
        began, noisy = rig.run(lambda services: _feed(services, fair=fair))
        with rig.owner() as connection:
            connection.execute("TRUNCATE job")
    quiet = [pair for tenant, pairs in done.items() if tenant != str(noisy) for pair in pairs if pair[0] > started]
    ended = min(began + SECONDS, max(enqueued + wait for enqueued, wait in done[str(noisy)]))
    starts = [enqueued + wait for pairs in done.values() for enqueued, wait in pairs]
    return quiet, sum(began <= start <= ended for start in starts) / (ended - began), (began, ended)


@contextmanager
def _workers(rig: Rig, call: float) -> Iterator[Starts]:
    """The two workers that `fairlead up` starts."""
    done: Starts = {}
    settings = str(call), str(SLOTS)
    with (
        recording_worker(rig, "lanes_worker", *settings, LaneClass.PROMPT) as prompt,
        recording_worker(rig, "lanes_worker", *settings, LaneClass.BULK) as bulk,
    ):
        yield done
    for starts in (prompt, bulk):
        for tenant, pairs in starts.items():
            done.setdefault(tenant, []).extend(pairs)


async def _feed(services: Services, *, fair: bool) -> tuple[float, UUID]:
    """Time at which the backlog was enqueued, and its tenant."""
    noisy = new_tenant()
    quiet = [new_tenant() if fair else noisy for _ in range(QUIET_TENANTS)]
    stop = asyncio.Event()
    trickles = [asyncio.create_task(_trickle(services, one, stop)) for one in quiet]
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        await asyncio.wrap_future(pool.submit(_prepare))
        await asyncio.sleep(SECONDS)
        began = await asyncio.wrap_future(pool.submit(_enqueue_backlog, services.settings, noisy))
        await asyncio.sleep(SECONDS)
    stop.set()
    await asyncio.gather(*trickles)
    return began, noisy.tenant_id


def _prepare() -> None:
    """Import the modules before the measurement starts."""


def _enqueue_backlog(settings: Settings, scope: Scope) -> float:
    """Enqueue the backlog in a process of its own, so that the quiet tenants' senders are not delayed. Returns its
    time.
    """

    async def enqueue_backlog() -> float:
        services = build_services(settings, pool_size=1)
        await _put(services, scope, FLOOD)
        began = time.time()
        await services.close()
        return began

    return asyncio.run(enqueue_backlog())


async def _put(services: Services, scope: Scope, items: int) -> None:
    async with services.db.transaction(scope) as session:
        enqueue(session, [_item(n) for n in range(items)])


def _item(n: int) -> NewJob[Any]:
    return NewJob(f"flood/{n % FLOOD_LANES}", WAIT, str(n))


async def _trickle(services: Services, scope: Scope, stop: asyncio.Event) -> None:
    for n in count():
        await asyncio.sleep(random.expovariate(QUIET_RATE))
        if stop.is_set():
            return
        async with services.db.transaction(scope) as session:
            enqueue(session, [_item(n)])


def _whole_way(rig: Rig) -> list[Row]:
    quiet, noisy = clients_at_work(rig, 2, skus=SKUS)
    asyncio.run(_one_every_50_ms(rig, quiet, first=0))
    alone = _waits(rig, quiet, version=10)
    target = Target(noisy.path, noisy.hook_secret)
    plan = LoadPlan(port=rig.port, targets=[target], requests=FLOOD // 100, changes=100, skus=SKUS, connections=8)
    process = start_load(plan)
    arrived = "SELECT count(*) FROM source_event WHERE tenant_id = %s"
    rig.wait(arrived, SKUS // 250 + 50, noisy.scope.tenant_id)
    asyncio.run(_one_every_50_ms(rig, quiet, first=500))
    beside = _waits(rig, quiet, version=20)
    rest = rig.count("SELECT count(*) FROM job WHERE tenant_id = %s", noisy.scope.tenant_id)
    process.kill()
    process.wait()
    if not rest:
        raise RuntimeError("the flood was over before the measurement")
    one, other = quantile(beside, 0.99) * 1000, quantile(alone, 0.99) * 1000
    p50 = statistics.median(beside) / statistics.median(alone)
    return [
        Row(
            "end to end, quiet client's p99 beside a flood of 100,000 changes ÷ alone",
            f"{one / other:.2f} ({one:.0f} / {other:.0f} ms; p50 {p50:.2f})",
            at_most(1.2, one / other),
        ),
    ]


async def _one_every_50_ms(rig: Rig, client: Client, *, first: int) -> None:
    version = 10 if first == 0 else 20
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{rig.port}", timeout=30) as http:
        sent = []
        for n in range(first, first + int(SECONDS * 2 / 0.05)):
            body = change(n, PRICE, FIRST_PRICE + version, version, utc_now().isoformat()).encode()
            sent.append(asyncio.create_task(deliver(http, client, body)))
            await asyncio.sleep(0.05)
        await asyncio.gather(*sent)
    wanted = with_minor(
        "SELECT count(*) FROM propagation WHERE tenant_id = %s AND minor(value) = %s AND state = 'verified'"
    )
    await asyncio.to_thread(rig.wait, wanted, len(sent), client.scope.tenant_id, FIRST_PRICE + version)


def _waits(rig: Rig, client: Client, *, version: int) -> list[float]:
    with rig.owner() as connection:
        rows = connection.execute(
            with_minor(
                "SELECT extract(epoch FROM verified_at - committed_at)::float8 FROM propagation"
                " WHERE tenant_id = %s AND minor(value) = %s"
            ),
            (client.scope.tenant_id, FIRST_PRICE + version),
        ).fetchall()
    return [float(str(row[0])) for row in rows]
