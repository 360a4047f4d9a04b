"""Job that applies the entitlements of a client's plans after a subscription changed."""

from billing.entitlements.rules import apply_entitlements
from foundation.clock import Clock
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload


def apply_handler(clock: Clock) -> Handler[NoPayload]:
    async def apply(batch: Batch[NoPayload]) -> None:
        async with batch.commit() as session:
            await apply_entitlements(session, clock())

    return apply
