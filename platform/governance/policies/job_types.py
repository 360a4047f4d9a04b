"""Job types and lanes of this slice."""

from typing import Final

from foundation.jobs.types import JobType, NoPayload
from foundation.marks import N_

REPLAY_LANE: Final = "policy_replay"
REPLAY_POLICY: Final = JobType(
    "governance.replay_policy", N_("Replay recorded changes by a draft policy"), NoPayload, batch=1, seconds=120.0
)
JOB_TYPES: Final = (REPLAY_POLICY,)
