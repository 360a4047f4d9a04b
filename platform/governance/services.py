"""Dependencies of governance's jobs and use cases; created once by the composition root."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from connectors.runtime import ConnectorRuntime
from foundation.clock import Clock
from foundation.database.engine import Database
from foundation.ids import NewId
from foundation.retention import DataClass
from foundation.rooms import AppServices, build_from
from governance.metrics import ClockMetrics
from policy.cache import PolicyCache
from tenants.members.rights import MemberRights

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GovernanceServices:
    """Dependencies. `rights` is for jobs that release approvals; None where permissions cannot be lost (tests)."""

    runtime: ConnectorRuntime
    policies: PolicyCache
    clock: Clock
    new_id: NewId
    rights: MemberRights | None = None
    jitter: Callable[[], float] = field(default=random.random)
    metrics: ClockMetrics = field(default_factory=ClockMetrics)
    retained: Sequence[DataClass] = ()
    db: Database | None = None
    """Database for jobs with effects in several accounts, each in a transaction of its own."""

    @property
    def database(self) -> Database:
        if self.db is None:
            raise LookupError("this job needs the database of the services")
        return self.db


def with_services(build: Callable[[GovernanceServices], Sequence[T]]) -> Callable[[AppServices], Sequence[T]]:
    """Factory of a slice's parts that need these services."""
    return build_from(GovernanceServices, build)
