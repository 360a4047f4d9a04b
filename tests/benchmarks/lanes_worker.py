"""The product's worker with one type of job, which awaits some seconds per job. Writes the jobs' starts by tenant."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from controlplane.processes import run_worker
from controlplane.services import Services
from foundation.jobs.batch import Batch
from foundation.jobs.ready_queue import LaneClass
from foundation.jobs.registry import JobHandler, JobRegistry
from foundation.settings import read_settings
from tests.benchmarks.rig import WAIT, Starts


def main() -> None:
    results, seconds, slots, lane_class = (
        Path(sys.argv[1]),
        float(sys.argv[2]),
        int(sys.argv[3]),
        LaneClass(sys.argv[4]),
    )
    done: Starts = {}

    async def wait(batch: Batch[Any]) -> None:
        starts = done.setdefault(str(batch.scope.tenant_id), [])
        for item in batch.items:
            enqueued = item.enqueued_at.timestamp()
            starts.append((enqueued, time.time() - enqueued))
            if seconds:
                await asyncio.sleep(seconds)

    def jobs(_: Services) -> JobRegistry:
        return JobRegistry([JobHandler(WAIT, wait)])

    run_worker(read_settings(os.environ), lane_class=lane_class, slots=slots, jobs=jobs)
    results.write_text(json.dumps(done))


if __name__ == "__main__":
    main()
