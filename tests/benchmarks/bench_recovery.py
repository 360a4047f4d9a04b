"""Recovery after a worker's death: a worker is killed with -9 during a push, while another one is running.

Measured from the kill until every change of the batch is committed as read back.
"""

import asyncio
import os
import signal
import statistics
import time

import httpx2

from canonical.elements import STOCK
from connectors.sandbox.faults import Faults
from foundation.clock import utc_now
from tests.benchmarks.rig import Client, Rig, batch, deliver, make_client, running_rig, sku
from tests.benchmarks.table import Row, at_most

KILLS = 3
BATCH = 100


def run() -> list[Row]:
    with running_rig(kills=True) as rig:
        rig.start_product()
        rig.stack.run("worker-2", "worker")
        times = [_kill_once(rig) for _ in range(KILLS)]
        repeated = rig.count("SELECT count(*) - count(DISTINCT (meter, id)) FROM usage_event")
    return [
        Row(
            f"orphan recovery after kill -9 of a worker, median and longest of {KILLS}",
            f"{statistics.median(times):.1f} s, {max(times):.1f} s (metered twice: {repeated})",
            at_most(10, max(times), unit=" s"),
        ),
    ]


def _kill_once(rig: Rig) -> float:
    client = rig.run(lambda services: make_client(services, rig.sandbox, skus=BATCH))
    (shop,) = client.shop_urls
    rig.sandbox.break_(shop, Faults(latency_seconds=5.0))
    asyncio.run(_send(rig, client))
    rig.wait(
        "SELECT count(*) FROM lane WHERE tenant_id = %s AND name LIKE 'push/%%' AND holder IS NOT NULL",
        1,
        client.scope.tenant_id,
    )
    with rig.owner() as connection:
        holder = connection.execute(
            "SELECT holder FROM lane WHERE tenant_id = %s AND name LIKE 'push/%%'", (client.scope.tenant_id,)
        ).fetchone()
    assert holder is not None
    killed = time.time()
    os.kill(int(str(holder[0]).rpartition(":")[2]), signal.SIGKILL)
    rig.sandbox.mend(shop)
    verified = "SELECT count(*) FROM propagation WHERE tenant_id = %s AND state = 'verified'"
    return rig.wait(verified, BATCH, client.scope.tenant_id) - killed


async def _send(rig: Rig, client: Client) -> None:
    at = utc_now().isoformat()
    changes = [
        f'{{"sku":"{sku(n)}","element":"{STOCK}","amount":7,"currency":"","version":9,"committed_at":"{at}"}}'
        for n in range(BATCH)
    ]
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{rig.port}") as http:
        await deliver(http, client, batch(changes))
