"""The product's worker with one kind of work: it awaits 2 ms. Writes when each item was started, by tenant."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from controlplane.processes import run_worker
from controlplane.services import Services
from foundation.lanes.jobs import JobKind, JobKinds
from foundation.lanes.run import LaneRun
from foundation.settings import read_settings

CALL_SECONDS = 0.002


def main() -> None:
    done: dict[str, list[tuple[float, float]]] = {}

    async def wait(run: LaneRun) -> None:
        now = time.time()
        starts = done.setdefault(str(run.scope.tenant_id), [])
        starts += [(item.enqueued_at.timestamp(), now - item.enqueued_at.timestamp()) for item in run.items]
        await asyncio.sleep(CALL_SECONDS)

    def jobs(_: Services) -> JobKinds:
        return JobKinds([JobKind("bench.wait", wait)])

    run_worker(read_settings(os.environ), slots=16, jobs=jobs)
    Path(sys.argv[1]).write_text(json.dumps(done))


if __name__ == "__main__":
    main()
