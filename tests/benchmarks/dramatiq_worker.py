"""Dramatiq with defaults: its own RedisBroker, eight threads, a job that only records its start."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from foundation.settings import read_settings
from tests.benchmarks.rig import Starts

THREADS = 8
Job = dramatiq.Actor[[float], Any]


def default_broker(url: str) -> RedisBroker:
    return RedisBroker(url=url)  # type: ignore[no-untyped-call]


def declare_jobs(broker: RedisBroker, queues: Sequence[str], started: Callable[[str, float], None]) -> dict[str, Job]:
    """One job per queue; its message contains the time of sending."""

    def declare(queue: str) -> Job:
        @dramatiq.actor(actor_name=f"job-{queue}", queue_name=queue, broker=broker)
        def job(sent_at: float) -> None:
            started(queue, sent_at)

        return job

    return {queue: declare(queue) for queue in queues}


def main() -> None:
    results, queues = Path(sys.argv[1]), sys.argv[2:]
    done: Starts = {queue: [] for queue in queues}
    broker = default_broker(read_settings(os.environ).redis_url)
    declare_jobs(broker, queues, lambda queue, sent_at: done[queue].append((sent_at, time.time() - sent_at)))
    worker = dramatiq.Worker(broker, worker_threads=THREADS)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    worker.start()
    stop.wait()
    worker.stop()
    results.write_text(json.dumps(done))


if __name__ == "__main__":
    main()
