"""Job type of this slice, in a lane of its own: it verifies the whole audit trail, which may take a while."""

from typing import Final

from foundation.jobs.types import JobType, NoPayload
from foundation.marks import N_

LANE: Final = "control_reviews"
COLLECT_EVIDENCE: Final = JobType(
    "governance.collect_evidence", N_("Collect the evidence of a control review"), NoPayload, seconds=900
)
