"""Job type and lane of this slice."""

from typing import Final

from foundation.jobs.types import JobType, NoPayload
from foundation.marks import N_

COPY_LANE: Final = "dashboard_defaults"
COPY_DEFAULT: Final = JobType(
    "governance.copy_dashboard_default", N_("Apply a default dashboard to all clients"), NoPayload, batch=100,
    seconds=300.0,
)  # fmt: skip
