"""End to end: a webhook arrives, policy decides, the value is written to the sandbox shop and read back there.

Audit, lineage and usage are on. One web process, one worker, one relay, the sandbox, the servers and the load generator
share this machine's cores.

Rates count changes from the first request until the last one is seen as committed and read back. The latency of a
single change on an idle system is from just before its POST until another connection, which polls every millisecond,
sees its read-back committed.
"""

import asyncio
import time

import httpx2

from canonical.elements import PRICE
from foundation.clock import utc_now
from tests.benchmarks.load import LoadPlan, Target, send_load
from tests.benchmarks.rig import (
    FIRST_PRICE,
    NO_WORK,
    Client,
    Rig,
    change,
    clients_at_work,
    deliver,
    quantile,
    running_rig,
)
from tests.benchmarks.table import Aim, Row, at_least
from tests.support.values import with_minor

TENANTS = 4
SKUS = 2_500
SINGLES = 100
VERIFIED = "SELECT count(*) FROM propagation WHERE state = 'verified'"


def run() -> list[Row]:
    with running_rig() as rig:
        clients = clients_at_work(rig, TENANTS, skus=SKUS)
        waits = asyncio.run(_one_by_one(rig, clients[0]))
        single = _rate(rig, clients, changes=1, version=1_000)
        batched = _rate(rig, clients, changes=100, version=2_000)
        _reconcile(rig)
    p50, p99 = (quantile(waits, part) * 1000 for part in (0.5, 0.99))
    return [
        Row(
            "end to end, one change on an idle system, POST until committed as read back: p50 / p99",
            f"{p50:.1f} / {p99:.1f} ms",
            Aim("p99 ≤ 50 ms", p99 <= 50),
        ),
        Row(
            "end to end, webhooks of 100 changes: changes/s written and read back",
            f"{batched:,.0f}",
            at_least(2_000, batched),
        ),
        Row(
            "end to end, one change per webhook: changes/s written and read back",
            f"{single:,.0f}",
            at_least(2_000, single),
        ),
    ]


async def _one_by_one(rig: Rig, client: Client) -> list[float]:
    waits: list[float] = []
    with rig.owner() as connection:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{rig.port}") as http:
            for n in range(SINGLES + 10):
                version = 10 + n
                body = change(n, PRICE, FIRST_PRICE + 7, version, utc_now().isoformat()).encode()
                started = time.perf_counter()
                await deliver(http, client, body)
                while not connection.execute(
                    with_minor(
                        "SELECT 1 FROM channel_value WHERE tenant_id = %s AND record_key = %s AND minor(value) = %s"
                    ),
                    (client.scope.tenant_id, f"SKU-{n:03}", FIRST_PRICE + 7),
                ).fetchone():
                    if time.perf_counter() - started > 30:
                        raise TimeoutError(f"SKU {n} was not read back in 30 s")
                    await asyncio.sleep(0.001)
                waits.append(time.perf_counter() - started)
                await asyncio.sleep(0.02)
    return waits[10:]


def _rate(rig: Rig, clients: list[Client], *, changes: int, version: int) -> float:
    """Change every SKU of every client once."""
    before = rig.count(VERIFIED)
    total = SKUS * len(clients)
    plan = LoadPlan(
        port=rig.port, targets=[Target(client.path, client.hook_secret) for client in clients],
        requests=total // changes, changes=changes, skus=SKUS, first_version=version,
    )  # fmt: skip
    sent = send_load(plan)
    ended = rig.wait(NO_WORK, 1, seconds=180)  # an emptiness check costs less than a count
    if rig.count(VERIFIED) != before + total:
        raise RuntimeError(f"{rig.count(VERIFIED) - before} of {total} changes were read back")
    return total / (ended - sent.began)


def _reconcile(rig: Rig) -> None:
    """A rate is valid only if no step was skipped: ledger, read-backs and the shops' own logs agree."""
    verified = rig.count(VERIFIED)
    metered = rig.count("SELECT count(*) FROM usage_event WHERE meter = 'sync.verified'")
    audited = rig.count("SELECT count(*) FROM audit_entry WHERE action = 'propagation.verified'")
    changes = rig.count("SELECT count(*) FROM change WHERE source_event_id IS NOT NULL")
    if not verified == metered == audited == changes:
        raise RuntimeError(f"{changes} changes, {verified} read back, {metered} metered, {audited} audited")
