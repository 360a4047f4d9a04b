"""Cost of metering and audit: the same changes decided, pushed and read back with and without them.

Ingest and push batches run one after the other in this process, against a real database and a sandbox shop; the sides
alternate. Only the recording is left out.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvloop

from canonical.elements import STOCK
from connectors.translation.job_type import TRANSLATE, ingest_lane
from connectors.webhooks.directory import HookDirectory
from connectors.webhooks.receive import HookReceiver
from connectors.webhooks.signatures import sign
from connectors.webhooks.writer import IntakeWriter
from controlplane.jobs import build_jobs
from controlplane.services import build_services
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.jobs.worker import LaneWorker
from governance.changes import plan_writer
from governance.job_types import push_lane
from governance.propagation import settlement
from tests.benchmarks.rig import NO_WORK, Client, Rig, batch, make_client, running_rig, sku
from tests.benchmarks.table import Row, at_least

ROUNDS = 7
SKUS = 500
Side = tuple[tuple[Any, str], ...]
METERED: Side = ((settlement, "record_usage"),)
AUDITED: Side = ((settlement, "append_audit"), (plan_writer, "append_audit"))


def run() -> list[Row]:
    with running_rig() as rig:
        client = rig.run(lambda services: make_client(services, rig.sandbox, skus=SKUS))
        times = uvloop.run(_compare(rig, client))
    everything, unmetered, unaudited = times
    return [
        Row(
            "metering on ÷ off, ingest and push of 500 changes: rate",
            f"{unmetered / everything:.2f} ({SKUS / everything:,.0f} / {SKUS / unmetered:,.0f} per s)",
            at_least(0.97, unmetered / everything),
        ),
        Row(
            "metering and audit on ÷ off: rate",
            f"{unaudited / everything:.2f} ({SKUS / everything:,.0f} / {SKUS / unaudited:,.0f} per s)",
        ),
    ]


async def _compare(rig: Rig, client: Client) -> tuple[float, float, float]:
    services = build_services(rig.stack.settings, pool_size=4, name="fairlead bench")
    directory = HookDirectory(rig.stack.settings.intake_url, services.vault)
    writer = IntakeWriter(rig.stack.settings.intake_url, job_type=TRANSLATE, wake_lanes=services.ready_queue.hint)
    receiver = HookReceiver(directory, writer, services.registry, new_id)
    writer.start()
    worker = LaneWorker(
        services.db, services.ready_queue, build_jobs(services), pool="shared", metrics=services.lane_metrics
    )
    lanes = (ingest_lane(client.erp), push_lane(client.channels[0]))

    async def one(version: int, off: Side) -> float:
        body = _changes(version)
        headers = sign(client.hook_secret.encode(), message_id=f"m_{new_id()}", sent_at=utc_now(), body=body)
        await receiver.receive(str(client.erp), headers, body, now=utc_now(), correlation="bench")
        with _left_out(off):
            started = time.perf_counter()
            for lane in (lanes[0], lanes[1], lanes[1]):  # a push batch has up to 250
                await worker.run_lane(client.scope.msp_id, client.scope.tenant_id, lane, bulk=True)
            return time.perf_counter() - started

    sides: tuple[Side, ...] = ((), METERED, METERED + AUDITED)
    await one(1, ())
    times = [[await one(2 + n * 3 + place, off) for place, off in enumerate(sides)] for n in range(ROUNDS)]
    await writer.stop()
    await directory.close()
    await services.close()
    if rig.count(NO_WORK.replace("FROM job", "FROM job WHERE lane LIKE 'push/%%'")) != 1:
        raise RuntimeError("not all of the work was done")
    everything, unmetered, unaudited = (statistics.median(side) for side in zip(*times, strict=True))
    return everything, unmetered, unaudited


def _changes(version: int) -> bytes:
    at = utc_now().isoformat()
    return batch(
        [
            f'{{"sku":"{sku(n)}","element":"{STOCK}","amount":{version},"currency":"","version":{version},'
            f'"committed_at":"{at}"}}'
            for n in range(SKUS)
        ]
    )


@contextmanager
def _left_out(side: Side) -> Iterator[None]:
    kept: list[Callable[..., None]] = [getattr(module, name) for module, name in side]
    for module, name in side:
        setattr(module, name, lambda *_, **__: None)
    try:
        yield
    finally:
        for (module, name), function in zip(side, kept, strict=True):
            setattr(module, name, function)
