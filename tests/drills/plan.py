"""What goes wrong, when, and to whom: drawn from a seed, so that a run can be repeated."""

import random
from collections.abc import Mapping
from enum import StrEnum
from typing import Self

import msgspec

LEASE_SECONDS = 6.0
KILLS_PER_STOP = 5
FAULTS_PER_CALM_ONE = 12
CALM_SECONDS = 9.0
"""Before and after a calm fault nothing else strikes, so that its own recovery is seen."""


class Target(StrEnum):
    WEB = "web"
    WEB_2 = "web-2"
    WORKER = "worker"
    WORKER_2 = "worker-2"
    RELAY = "relay"
    VALKEY = "valkey"  # its data is gone
    POSTGRES = "postgres"


SERVERS = frozenset({Target.VALKEY, Target.POSTGRES})
_KILL_WEIGHTS: Mapping[Target, int] = {
    Target.WEB: 3, Target.WEB_2: 2, Target.WORKER: 4, Target.WORKER_2: 4, Target.RELAY: 2, Target.VALKEY: 3,
    Target.POSTGRES: 3,
}  # fmt: skip
_STOP_WEIGHTS: Mapping[Target, int] = {
    Target.WORKER: 4, Target.WORKER_2: 4, Target.WEB: 2, Target.WEB_2: 1, Target.RELAY: 1
}  # fmt: skip


class Fault(msgspec.Struct, frozen=True):
    """After `wait` seconds `target` is killed, or stopped and resumed after `seconds`.

    A killed server is started again after `seconds`; a killed process of ours is its supervisor's business.
    """

    wait: float
    target: Target
    stop: bool
    seconds: float

    @property
    def name(self) -> str:
        return f"{'stop' if self.stop else 'kill -9'} {self.target}"


class FaultPlan(msgspec.Struct, frozen=True):
    seed: int
    kills: int
    faults: tuple[Fault, ...]

    @classmethod
    def from_seed(cls, seed: int, kills: int, *, stop_seconds: float = 30.0) -> Self:
        """`kills` kill -9 in random order, every target at least once when there are enough, and stops between them."""
        rng = random.Random(f"faults {seed}")
        targets = list(Target)[:kills] + _draw(rng, _KILL_WEIGHTS, max(0, kills - len(Target)))
        rng.shuffle(targets)
        faults: list[Fault] = []
        for number, target in enumerate(targets):
            if number % KILLS_PER_STOP == KILLS_PER_STOP // 2:
                (stopped,) = _draw(rng, _STOP_WEIGHTS, 1)
                faults.append(Fault(_wait(rng, len(faults)), stopped, stop=True, seconds=stop_seconds))
            down = round(rng.uniform(0.0, 1.5), 3) if target in SERVERS else 0.0
            faults.append(Fault(_wait(rng, len(faults)), target, stop=False, seconds=down))
        return cls(seed, kills, tuple(faults))

    @property
    def seconds(self) -> float:
        """How long carrying it out takes at least."""
        return sum(fault.wait for fault in self.faults) + max((fault.seconds for fault in self.faults), default=0.0)


def _wait(rng: random.Random, number: int) -> float:
    """Mostly a breath between faults, now and then none: the second hits while the first is being mended."""
    drawn = rng.uniform(0.0, 0.3) if rng.random() < 0.2 else rng.uniform(0.8, 3.5)
    calm = number % FAULTS_PER_CALM_ONE in (FAULTS_PER_CALM_ONE // 2, FAULTS_PER_CALM_ONE // 2 + 1)
    return CALM_SECONDS if calm else round(drawn, 3)


def _draw(rng: random.Random, weights: Mapping[Target, int], count: int) -> list[Target]:
    return rng.choices(list(weights), weights=list(weights.values()), k=count)
