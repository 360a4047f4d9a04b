"""Job types and lanes of this slice."""

from typing import Final
from uuid import UUID

from foundation.jobs.lanes import connection_lane
from foundation.jobs.types import JobType, NoPayload, RetryPolicy
from foundation.marks import N_

BASELINE_LANE: Final = "baseline"
READ_RETRY: Final = RetryPolicy(attempts=1_000_000, base=1.0, cap=60.0)
READ_BASELINE: Final = JobType(
    "governance.read_baseline", N_("Read values for a baseline"), NoPayload, batch=1, seconds=120.0, retry=READ_RETRY
)
ACCEPT_BASELINE: Final = JobType("governance.accept_baseline", N_("Apply an accepted baseline"), NoPayload, batch=1)
DELETE_READINGS: Final = JobType(
    "governance.forget_baseline", N_("Delete the readings of a discarded baseline"), NoPayload, batch=1
)

JOB_TYPES: Final = (READ_BASELINE, ACCEPT_BASELINE, DELETE_READINGS)


def baseline_lane(connection_id: UUID) -> str:
    return connection_lane("baseline", connection_id)
