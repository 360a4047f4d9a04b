"""Shipments of the sandbox ERP, and a subscriber that records the messages it receives."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from canonical.messages import Message, ShipmentUpdated
from connectors.translation.job_type import TRANSLATE, ingest_lane
from connectors.translation.subscriptions import MessageRouter, MessageSubscription, Received, build_router, message_id
from connectors.translation.translate_job import translate_handler
from foundation.clock import utc_now
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import JobHandler, JobRegistry
from foundation.jobs.worker import LaneWorker
from tests.support.client_env import PATIENCE_SECONDS, ClientEnv
from tests.support.jobs import job_type

SHIPMENT = "shipment.v1"
TAKEN = job_type("test.taken")


def shipment(env: ClientEnv, number: str, *, status: str = "packed") -> dict[str, object]:
    env.version += 1
    return {
        "type": "shipment.changed", "number": number, "order": "1001", "status": status, "carrier": "UPS",
        "lines": [{"line": "1", "sku": "SKU-001", "quantity": 2}], "tracking": f"1Z-{number}",
        "version": env.version, "committed_at": utc_now().isoformat(),
    }  # fmt: skip


def write_down() -> MessageSubscription[Any]:
    """Enqueue a job for each shipment, in the transaction that delivers it."""

    async def take(session: AsyncSession, received: Sequence[Received[Message]]) -> None:
        jobs = [
            NewJob("taken", TAKEN, message.reference, ref=message_id(each.origin, message))
            for each in received for message in each.messages
        ]  # fmt: skip
        enqueue(session, jobs)

    return MessageSubscription(ShipmentUpdated, take)


async def taken(env: ClientEnv) -> list[str]:
    return [str(key) for (key,) in await env.rows("SELECT key FROM job WHERE kind = 'test.taken' ORDER BY seq")]


async def work(env: ClientEnv, *more: MessageSubscription[Any], whole: bool = True) -> None:
    """Run the ERP's lane with `more` subscriptions in addition to the product's."""
    router = build_router(env.services)
    given = [MessageSubscription(kind, handle) for kind, each in router.handlers.items() for handle in each]
    handler = translate_handler(env.services.registry, MessageRouter([*more, *given] if whole else more))
    worker = LaneWorker(
        env.services.db, env.services.ready_queue, JobRegistry([JobHandler(TRANSLATE, handler)]), pool="shared",
        metrics=env.services.lane_metrics, lease=PATIENCE_SECONDS,
    )  # fmt: skip
    lane, waiting = ingest_lane(env.erp), "SELECT count(*) FROM job WHERE lane = :lane"
    for _ in range(20):
        await worker.run_lane(env.scope.msp_id, env.scope.tenant_id, lane)
        if await env.rows(waiting, lane=lane) == [(0,)]:
            return
    raise AssertionError("the lane never emptied")
