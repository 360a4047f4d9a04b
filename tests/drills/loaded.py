"""A load of one client during a fault, and the checks afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.drills.check import Found, check_client, wait_until_settled
from tests.drills.history import Injected
from tests.drills.load import Load
from tests.drills.recovery import measure_recoveries, read_proofs
from tests.drills.web_app import DrillWebApp

SKUS = 4000
ENOUGH = 40
"""Least number of messages for a meaningful check."""
SETTLE_SECONDS = 300
"""Limit for a slow machine until everything in progress is verified on every channel. The actual time after a fault's
end is printed by each test."""


async def make_load(web_app: DrillWebApp) -> Load:
    await web_app.wait_until_ready()
    return Load(await web_app.add_client(skus=SKUS), web_app.addresses, seed=0, skus=SKUS, per_second=40)


@asynccontextmanager
async def under(load: Load) -> AsyncIterator[None]:
    """Inject the faults under load. Afterwards everything sent is acknowledged."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(load.run(stop))
        yield
        await load.sent(ENOUGH)
        stop.set()


async def assert_whole(web_app: DrillWebApp, load: Load) -> Found:
    await wait_until_settled(web_app, load.client, seconds=SETTLE_SECONDS)
    found = await check_client(web_app, load.client, load.history)
    assert not found.problems, "\n".join(found.problems)
    assert found.acknowledged >= ENOUGH
    return found


async def print_recovery(web_app: DrillWebApp, load: Load, injected: list[Injected]) -> str:
    """Call when all is settled. A later fault may lengthen the recovery of earlier ones."""
    measure_recoveries(injected, load.history.messages, await read_proofs(web_app, load.client))
    return ", ".join(f"{fault.name} {fault.recovery_seconds:.1f} s" for fault in injected)
