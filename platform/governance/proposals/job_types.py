"""Job type and lane of this slice."""

from typing import Final

from foundation.jobs.types import JobType, NoPayload, RetryPolicy
from foundation.marks import N_

PROPOSAL_LANE: Final = "scheduled_proposals"
PROPOSE_SCHEDULED: Final = JobType(
    "governance.propose_scheduled", N_("Propose scheduled values"), NoPayload, retry=RetryPolicy(attempts=1000)
)
