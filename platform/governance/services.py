"""Dependencies of governance's jobs and use cases; created once by the composition root."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from connectors.runtime import ConnectorRuntime
from foundation.clock import Clock
from foundation.ids import NewId
from foundation.retention import DataClass
from governance.metrics import ClockMetrics
from policy.cache import PolicyCache
from tenants.members.rights import MemberRights


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
