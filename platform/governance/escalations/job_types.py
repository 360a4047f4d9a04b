"""Job type and lane of this slice; that of reached steps is in the room's."""

from typing import Final

from foundation.jobs.types import JobType, NoPayload
from foundation.marks import N_

COPY_LANE: Final = "escalation_ladders"
COPY_LADDER: Final = JobType(
    "governance.copy_escalation_ladder", N_("Apply an escalation ladder to all clients"), NoPayload, batch=100,
    seconds=300.0,
)  # fmt: skip
