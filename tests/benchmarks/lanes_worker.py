"""The product's worker with one kind of work, which awaits some seconds per item. Writes items' starts, by tenant."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from controlplane.processes import run_worker
from controlplane.services import Services
from foundation.jobs.batch import LaneRun
from foundation.jobs.ready_queue import Turns
from foundation.jobs.types import JobKind, JobKinds
from foundation.settings import read_settings
from tests.benchmarks.rig import Starts


def main() -> None:
    results, seconds, slots, turns = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), Turns(sys.argv[4])
    done: Starts = {}

    async def wait(run: LaneRun) -> None:
        starts = done.setdefault(str(run.scope.tenant_id), [])
        for item in run.items:
            enqueued = item.enqueued_at.timestamp()
            starts.append((enqueued, time.time() - enqueued))
            if seconds:
                await asyncio.sleep(seconds)

    def jobs(_: Services) -> JobKinds:
        return JobKinds([JobKind("bench.wait", wait)])

    run_worker(read_settings(os.environ), turns=turns, slots=slots, jobs=jobs)
    results.write_text(json.dumps(done))


if __name__ == "__main__":
    main()
