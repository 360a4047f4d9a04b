"""Random kills under load. Short in the test command; `make chaos` runs the long form (see docs/chaos.md)."""

import asyncio
import os
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

import pytest

from connectors.sandbox.faults import Faults
from tests.drills.check import Found, check_client, wait_until_settled
from tests.drills.history import Injected
from tests.drills.inject import FaultInjector
from tests.drills.load import Load
from tests.drills.loaded import SETTLE_SECONDS
from tests.drills.plan import LEASE_SECONDS, Act, FaultPlan
from tests.drills.recovery import Timeline, measure_recoveries, read_proofs, recovery_table, undisturbed
from tests.drills.web_app import DrillWebApp

pytestmark = pytest.mark.chaos
SHORT_KILLS = 12
PER_SECOND = 25.0
SKUS = 60_000
CHANNELS_DAY = Faults(
    latency_seconds=0.02, jitter_seconds=0.3, server_error=0.01, too_many_requests=0.01, lost_answer=0.01,
    hang_seconds=0.5,
)  # fmt: skip
"""Faults of the channels; their latency makes it likely that a worker dies during a write."""


def chosen_plan() -> FaultPlan:
    """FAIRLEAD_CHAOS_SEED repeats a run; FAIRLEAD_CHAOS_KILLS sets its length."""
    seed = int(os.environ.get("FAIRLEAD_CHAOS_SEED") or secrets.randbits(32))
    kills = int(os.environ.get("FAIRLEAD_CHAOS_KILLS") or SHORT_KILLS)
    # In the long form, stopped processes sleep as long as a paused virtual machine; elsewhere just longer than the
    # lease.
    return FaultPlan.from_seed(seed, kills, stop_seconds=30.0 if kills > SHORT_KILLS else LEASE_SECONDS + 1.5)


@pytest.mark.timeout(0)
async def test_nothing_accepted_is_lost_and_every_effect_happens_once(
    web_app: DrillWebApp, record_property: Callable[[str, object], None]
) -> None:
    plan = chosen_plan()
    clients = [await web_app.add_client(skus=SKUS, parity=parity) for parity in (0, 1)]
    loads = [Load(c, web_app.addresses, seed=plan.seed, skus=SKUS, per_second=PER_SECOND) for c in clients]
    for channel in (channel for client in clients for channel in client.channels):
        web_app.sandbox.break_(channel.url, CHANNELS_DAY)
    inflictor = FaultInjector(web_app)
    stop = asyncio.Event()
    with suppress(TimeoutError):  # a message that was not accepted by then is a failure
        async with asyncio.timeout(plan.seconds * 4 + 300), asyncio.TaskGroup() as group:
            for load in loads:
                group.create_task(load.run(stop))
            await asyncio.sleep(1.0)
            await inflictor.carry_out(plan)
            await asyncio.sleep(1.0)
            stop.set()
    found: list[Found] = []
    timeline = Timeline(inflictor.done)
    for load in loads:
        await wait_until_settled(web_app, load.client, seconds=SETTLE_SECONDS)
        found.append(await check_client(web_app, load.client, load.history))
        proofs = await read_proofs(web_app, load.client)
        timeline.add(load.history.messages, proofs)
        measure_recoveries(inflictor.done, load.history.messages, proofs)
    (web_app.stack.root / "timeline.txt").write_text(timeline.text())
    figures = [headline(plan, loads, found, inflictor.done), *recovery_table(inflictor.done)]
    record_property("figure", "\n".join(figures))
    problems = [problem for each in found for problem in each.problems]
    if len(inflictor.done) < len(plan.faults):
        problems.append(f"only {len(inflictor.done)} of {len(plan.faults)} faults could be carried out in time")
    assert not problems, "\n".join(
        [f"seed {plan.seed}:", *problems, how_to_repeat(plan), f"Logs: {web_app.stack.root}/logs"]
    )


def headline(plan: FaultPlan, loads: Sequence[Load], found: Sequence[Found], injected: Sequence[Injected]) -> str:
    answers = sum((load.history.answers for load in loads), Counter[str]())
    others = len(plan.faults) - plan.kills - plan.stops
    felt = [fault.recovery_seconds for fault in injected]
    summary = (
        f"chaos seed {plan.seed}: {plan.kills} kills ({_by_target(injected)}), {plan.stops} stops, {others} troubles; "
        f"{sum(f.acknowledged for f in found)} messages acknowledged, {sum(f.lost for f in found)} lost; "
        f"{sum(f.effects for f in found)} effects of {2 * sum(len(load.history.alone) for load in loads)} asked for, "
        f"{sum(f.sent_again for f in found)} writes reached a channel more than once; "
        f"recovery median {median(felt):.1f} s, slowest {max(felt):.1f} s, "
        f"undisturbed slowest {max((fault.recovery_seconds for fault in undisturbed(injected)), default=0.0):.1f} s"
    )
    counts = ", ".join(f"{count} x {answer}" for answer, count in answers.most_common())
    return f"{summary}\nanswers to the sender: {counts}"


def _by_target(injected: Sequence[Injected]) -> str:
    kills = Counter(str(fault.target) for fault in injected if fault.act is Act.KILL)
    return ", ".join(f"{target} {count}" for target, count in sorted(kills.items()))


def how_to_repeat(plan: FaultPlan) -> str:
    environment = f"FAIRLEAD_CHAOS_SEED={plan.seed} FAIRLEAD_CHAOS_KILLS={plan.kills}"
    return f"Repeat it with {environment} .venv/bin/pytest -m chaos {Path(__file__).relative_to(Path.cwd())}"
