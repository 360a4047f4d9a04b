"""Cost of hostile clients to others: `/healthz` with and without 200 connections that send slow or huge requests."""

import http.client
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.hostile import CONNECTIONS
from tests.benchmarks.rig import running_rig
from tests.benchmarks.table import Row, at_most

ROUNDS = 3
REQUESTS = 2_000
SECONDS = 6.0


def run() -> list[Row]:
    with running_rig() as rig:
        rig.start_product()
        _ask(rig.port)
        alone, beside = [], []
        for _ in range(ROUNDS):
            alone.append(_ask(rig.port))
            with _hostile(rig.port):
                beside.append(_ask(rig.port))
    left, right = statistics.median(beside), statistics.median(alone)
    measured = f"{left / right:.2f} ({left * 1000:.2f} / {right * 1000:.2f} ms)"
    return [
        Row(f"/healthz beside {CONNECTIONS} hostile connections ÷ alone: p99", measured, at_most(2.0, left / right))
    ]


@contextmanager
def _hostile(port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.benchmarks.hostile", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            yield
        finally:
            process.kill()


def _ask(port: int) -> float:
    """The p99 of sequential requests on one connection over some seconds."""
    connection, times = http.client.HTTPConnection("127.0.0.1", port, timeout=60), []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - began)
        assert answer.status == 200
        time.sleep(max(0.0, SECONDS / REQUESTS - times[-1]))
    connection.close()
    return statistics.quantiles(times, n=100)[98]
