"""Plan of faults with their times and targets, drawn from a seed, so that a run can be repeated."""

import random
from collections.abc import Mapping
from enum import StrEnum
from typing import Self

import msgspec

LEASE_SECONDS = 6.0
KILLS_PER_STOP = 5
KILLS_PER_TROUBLE = 2
FAULTS_PER_CALM_ONE = 12
CALM_SECONDS = 9.0
"""Seconds without other faults around an isolated one, so that its recovery can be measured."""


class Target(StrEnum):
    WEB = "web"
    WEB_2 = "web-2"
    WORKER = "worker"
    WORKER_2 = "worker-2"
    BULK_WORKER = "bulk-worker"
    RELAY = "relay"
    VALKEY = "valkey"
    POSTGRES = "postgres"
    TO_CHANNELS = "link to the channels"
    TO_POSTGRES = "link to postgres"  # of web-2 and worker-2; the others are beside it
    TO_VALKEY = "link to valkey"  # likewise
    TO_WEB = "link to web-2"  # the source's link


class Act(StrEnum):
    KILL = "kill -9"  # and Valkey's data is deleted
    STOP = "stop"
    TERMINATE = "terminate backends of"
    IMMEDIATE = "immediate restart of"
    DISK_FULL = "disk full under"
    PAUSE = "client pause of"
    FLUSH = "flushall of"
    NO_MEMORY = "no memory left for"
    SLOW = "latency on"
    RESET = "reset of"
    BLACKHOLE = "black hole on"
    HALF_CLOSE = "half-close of"
    THROTTLE = "throttle on"
    CUT = "cut in the middle of"
    HALF_OPEN = "half-open connections on"


WORKERS = (Target.WORKER, Target.WORKER_2, Target.BULK_WORKER)
SERVERS = frozenset({Target.VALKEY, Target.POSTGRES})
LINKS = (Target.TO_CHANNELS, Target.TO_POSTGRES, Target.TO_VALKEY, Target.TO_WEB)
LINK_ACTS = (Act.SLOW, Act.RESET, Act.BLACKHOLE, Act.HALF_CLOSE, Act.THROTTLE, Act.CUT, Act.HALF_OPEN)
KILLED = tuple(target for target in Target if target not in LINKS)
_POSTGRES_ACTS = (Act.TERMINATE, Act.IMMEDIATE, Act.DISK_FULL)
_VALKEY_ACTS = (Act.PAUSE, Act.FLUSH, Act.NO_MEMORY)
TROUBLES = (
    *((act, Target.POSTGRES) for act in _POSTGRES_ACTS),
    *((act, Target.VALKEY) for act in _VALKEY_ACTS),
    *((act, link) for link in LINKS for act in LINK_ACTS),
)
_KILL_WEIGHTS: Mapping[Target, int] = {
    Target.WEB: 3, Target.WEB_2: 2, Target.WORKER: 4, Target.WORKER_2: 4, Target.BULK_WORKER: 2, Target.RELAY: 2,
    Target.VALKEY: 3, Target.POSTGRES: 3,
}  # fmt: skip
_STOP_WEIGHTS: Mapping[Target, int] = {
    Target.WORKER: 4, Target.WORKER_2: 4, Target.BULK_WORKER: 2, Target.WEB: 2, Target.WEB_2: 1, Target.RELAY: 1
}  # fmt: skip


class Fault(msgspec.Struct, frozen=True):
    """One fault: after `wait` seconds, `act` on `target`, for `seconds` if it has a duration.

    A killed server is restarted after `seconds`; a killed process of ours is restarted by its supervisor.
    """

    wait: float
    act: Act
    target: Target
    seconds: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.act} {self.target}"


class FaultPlan(msgspec.Struct, frozen=True):
    seed: int
    kills: int
    faults: tuple[Fault, ...]

    @classmethod
    def from_seed(cls, seed: int, kills: int, *, stop_seconds: float = 30.0) -> Self:
        """`kills` times kill -9 in random order, every target at least once when there are enough.

        Stops and troubles are in between; every kind of trouble occurs once before one is repeated.
        """
        rng = random.Random(f"faults {seed}")
        targets = list(KILLED)[:kills] + _draw(rng, _KILL_WEIGHTS, max(0, kills - len(KILLED)))
        rng.shuffle(targets)
        faults: list[Fault] = []
        troubles: list[tuple[Act, Target]] = []
        for number, target in enumerate(targets):
            if number % KILLS_PER_STOP == KILLS_PER_STOP // 2:
                (stopped,) = _draw(rng, _STOP_WEIGHTS, 1)
                faults.append(Fault(_wait(rng, len(faults)), Act.STOP, stopped, stop_seconds))
            if number % KILLS_PER_TROUBLE == 0:
                troubles = troubles or rng.sample(TROUBLES, len(TROUBLES))
                faults.append(Fault(_wait(rng, len(faults)), *troubles.pop(), round(rng.uniform(1.0, 4.0), 3)))
            down = round(rng.uniform(0.0, 1.5), 3) if target in SERVERS else 0.0
            faults.append(Fault(_wait(rng, len(faults)), Act.KILL, target, down))
        return cls(seed, kills, tuple(faults))

    @property
    def stops(self) -> int:
        return sum(fault.act is Act.STOP for fault in self.faults)

    @property
    def seconds(self) -> float:
        """The least duration of the plan."""
        return sum(fault.wait for fault in self.faults) + max((fault.seconds for fault in self.faults), default=0.0)


def _wait(rng: random.Random, number: int) -> float:
    """Usually a short pause between faults, sometimes none: the second fault then occurs during the repair of the
    first.
    """
    drawn = rng.uniform(0.0, 0.3) if rng.random() < 0.2 else rng.uniform(0.8, 3.5)
    calm = number % FAULTS_PER_CALM_ONE in (FAULTS_PER_CALM_ONE // 2, FAULTS_PER_CALM_ONE // 2 + 1)
    return CALM_SECONDS if calm else round(drawn, 3)


def _draw(rng: random.Random, weights: Mapping[Target, int], count: int) -> list[Target]:
    return rng.choices(list(weights), weights=list(weights.values()), k=count)
