"""The product's worker and its isolated batches, with one type of job, which may end the process that runs it."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from controlplane.embedded.supervise import HEARTBEAT_VARIABLE
from controlplane.isolated_batch import run_batch
from controlplane.processes import run_worker
from controlplane.services import Services
from foundation.audit.chain import append_audit
from foundation.clock import utc_now
from foundation.heartbeat import Heartbeat
from foundation.jobs.batch import Batch
from foundation.jobs.registry import JobHandler, JobRegistry
from foundation.settings import read_settings
from tests.support.jobs import job_type

BATCH = 8
BRITTLE = job_type("test.brittle", batch=BATCH)
KILLS, BLOCKS, SLOW = "kills", "blocks", "slow"
SLOW_SECONDS = 5.0
_FOR_EVER = 10**6


async def handle(batch: Batch[Any]) -> None:
    for item in batch.items:
        if item.key == KILLS:
            os.kill(os.getpid(), signal.SIGKILL)
        if item.key == BLOCKS:
            time.sleep(_FOR_EVER)  # noqa: ASYNC251 - intended: the event loop must not run
        if item.key == SLOW:
            await asyncio.sleep(SLOW_SECONDS)
    async with batch.commit() as session:
        for item in batch.items:
            append_audit(session, action="test.done", subject=item.key, data={}, at=utc_now())


def jobs(_: Services) -> JobRegistry:
    return JobRegistry([JobHandler(BRITTLE, handle)])


def main() -> int:
    command, argument = sys.argv[1:]
    settings = read_settings(os.environ)
    if command == "turn":
        return run_batch(settings, report_fd=int(argument), jobs=jobs)
    own_turn = (sys.executable, "-m", "tests.support.brittle_worker", "turn")
    file = os.environ.get(HEARTBEAT_VARIABLE)
    run_worker(
        settings,
        pool=argument,
        slots=4,
        jobs=jobs,
        own_turn=own_turn,
        heartbeat=Heartbeat(Path(file) if file else None),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
