"""Intake with all features, compared with a minimal route with one INSERT and with a session per request.

The product's route verifies the signature, deduplicates, commits in groups to disk, enqueues the job, and records
metrics and the correlation id. No worker runs: `bench_way` measures what follows the acknowledgement.
"""

import statistics
from collections.abc import Callable
from typing import NamedTuple

from tests.benchmarks.bare import TABLE
from tests.benchmarks.load import LoadPlan, LoadResult, Target, send_load
from tests.benchmarks.rig import Rig, make_client, running_rig
from tests.benchmarks.table import Row, at_least, at_most

ROUNDS = 3
SECONDS = 3.0


class _Loads(NamedTuple):
    """Rounds of each side: at full load, and at fixed times at half of it."""

    mine: tuple[LoadResult, ...]
    bare: tuple[LoadResult, ...]
    orm: tuple[LoadResult, ...]
    timed: tuple[LoadResult, ...]
    bare_timed: tuple[LoadResult, ...]
    ceiling: LoadResult


def run() -> list[Row]:
    with running_rig() as rig:
        rig.start_product()
        rig.stack.supervisor.stop("worker")
        client = rig.run(lambda services: make_client(services, rig.sandbox))
        ours = Target(client.path, client.hook_secret)
        bare_port, nothing_port = _start_others(rig)

        def load(port: int, path: str, requests: int, rate: float = 0.0) -> LoadResult:
            target = ours if path == "ours" else Target(path, client.hook_secret)
            plan = LoadPlan(port=port, targets=[target], requests=requests, rate=rate, seconds=SECONDS)
            return send_load(plan)

        for port, path in ((rig.port, "ours"), (bare_port, "/bare"), (bare_port, "/orm")):
            load(port, path, 2_000)
        ceiling = load(nothing_port, "/nothing", 60_000)
        rounds = [
            (load(rig.port, "ours", 40_000), load(bare_port, "/bare", 16_000), load(bare_port, "/orm", 6_000))
            for _ in range(ROUNDS)
        ]
        mine, bare, orm = zip(*rounds, strict=True)
        most = _median(mine, lambda r: r.rate)
        bare_most = _median(bare, lambda r: r.rate)
        timed = [
            (load(rig.port, "ours", 40_000, rate=most / 2), load(bare_port, "/bare", 16_000, rate=bare_most / 2))
            for _ in range(ROUNDS)
        ]
        halves, bare_halves = zip(*timed, strict=True)
    return _rows(_Loads(mine, bare, orm, halves, bare_halves, ceiling))


def _start_others(rig: Rig) -> tuple[int, int]:
    with rig.owner() as connection:
        connection.execute(TABLE)
    return rig.start_reference("bare", rig.database), rig.start_reference("nothing", "none")


def _median(results: tuple[LoadResult, ...], of: Callable[[LoadResult], float]) -> float:
    return statistics.median(map(of, results))


def _rows(loads: _Loads) -> list[Row]:
    mine, bare, orm, timed, bare_timed = loads.mine, loads.bare, loads.orm, loads.timed, loads.bare_timed
    rates = [_median(side, lambda r: r.rate) for side in (mine, bare, orm)]
    tails = [_median(side, lambda r: r.p99) * 1000 for side in (mine, bare, orm)]
    calm, bare_calm = (_median(side, lambda r: r.p99 / r.p50) for side in (mine, bare))
    late, bare_late = (_median(side, lambda r: r.p99) * 1000 for side in (timed, bare_timed))
    return [
        Row(
            "intake, everything on ÷ bare route with one INSERT: requests/s",
            f"{rates[0] / rates[1]:.2f} ({rates[0]:,.0f} / {rates[1]:,.0f})",
            at_least(2.5, rates[0] / rates[1]),
        ),
        Row(
            "intake ÷ bare route: p99 under full load",
            f"{tails[0] / tails[1]:.2f} ({tails[0]:.1f} / {tails[1]:.1f} ms)",
            at_most(0.6, tails[0] / tails[1]),
        ),
        Row(
            "intake ÷ session per request (ORM): requests/s, p99",
            f"{rates[0] / rates[2]:.1f}, {tails[0] / tails[2]:.2f} ({rates[2]:,.0f}/s, {tails[2]:.0f} ms)",
        ),
        Row(
            "intake, p99 ÷ p50 under steady load of 64 connections",
            f"{calm:.2f} (bare route {bare_calm:.2f})",
            at_most(2, calm),
        ),
        Row(
            "intake ÷ bare route: p99 at fixed times, each at half of its full load",
            f"{late / bare_late:.2f} ({late:.1f} / {bare_late:.1f} ms)",
        ),
        Row("load generator's own ceiling: requests/s", f"{loads.ceiling.rate:,.0f}"),
    ]
