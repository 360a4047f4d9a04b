"""A thousand idle tenants compared with one: resources of a worker and a relay without input.

Every tenant has had a job, so that its lane exists; then nothing arrives. Measures threads, processor time and Valkey
commands of the two processes over some seconds.
"""

import os
import time
from pathlib import Path

import redis

from controlplane.services import Services
from foundation.jobs.enqueue import NewJob, enqueue
from governance.job_types import BREACH_SLOS, TIMER_LANE
from tests.benchmarks.rig import NO_WORK, Rig, new_tenant, running_rig
from tests.benchmarks.table import Row, at_most

SECONDS = 10.0
TENANTS = 1_000


class Idle:
    """Totals of worker and relay; rates are per second."""

    def __init__(self, threads: int, cpu: float, commands: float) -> None:
        self.threads = threads
        self.cpu = cpu
        self.commands = commands


def run() -> list[Row]:
    with running_rig() as rig:
        rig.stack.run("worker", "worker")
        rig.stack.run("relay", "relay")
        _live_and_rest(rig, 1)
        one = _measure(rig)
        _live_and_rest(rig, TENANTS - 1)
        many = _measure(rig)
    sides = (
        ("threads", many.threads, one.threads, "{:.0f}"),
        ("processor time", many.cpu * 100, one.cpu * 100, "{:.2f} %"),
        ("Valkey commands/s", many.commands, one.commands, "{:.1f}"),
    )
    return [
        Row(
            f"1,000 idle tenants ÷ 1, worker and relay: {name}",
            f"{left / right:.2f} ({form.format(left)} / {form.format(right)})",
            at_most(1.2, left / right),
        )
        for name, left, right, form in sides
    ]


def _live_and_rest(rig: Rig, tenants: int) -> None:
    """Give each tenant one job, so that its lane, its share and its metrics exist."""

    async def feed(services: Services) -> None:
        for _ in range(tenants):
            async with services.db.transaction(new_tenant()) as session:
                enqueue(session, [NewJob(TIMER_LANE, BREACH_SLOS, BREACH_SLOS.name)])

    rig.run(feed)
    rig.wait(NO_WORK, 1)
    time.sleep(2.0)


def _measure(rig: Rig) -> Idle:
    pids = [pid for name in ("worker", "relay") if (pid := rig.stack.supervisor.pid(name)) is not None]
    client = redis.Redis.from_url(rig.stack.settings.redis_url)
    before, calls = sum(map(_cpu_seconds, pids)), _commands(client)
    time.sleep(SECONDS)
    threads = sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids)
    # The INFO command of this function is one of the commands counted.
    commands = _commands(client) - calls - 1
    return Idle(threads, (sum(map(_cpu_seconds, pids)) - before) / SECONDS, commands / SECONDS)


def _commands(client: "redis.Redis") -> int:
    info = client.info("stats")
    assert isinstance(info, dict)
    return int(info["total_commands_processed"])


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
