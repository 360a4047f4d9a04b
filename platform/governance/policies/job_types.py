"""Job types and lanes of this slice."""

from typing import Final

from foundation.jobs.types import JobType, NoPayload, RetryPolicy
from foundation.marks import N_

REPLAY_LANE: Final = "policy_replay"
REPLAY_POLICY: Final = JobType(
    "governance.replay_policy", N_("Replay recorded changes by a draft policy"), NoPayload, batch=1, seconds=120.0
)
INHERIT_LANE: Final = "policy_inheritance"
INHERIT_POLICY: Final = JobType(
    "governance.inherit_policy", N_("Apply a policy to all clients"), NoPayload, batch=100, seconds=300.0
)
SCHEDULE_LANE: Final = "policy_schedule"
PUBLISH_SCHEDULED: Final = JobType(
    "governance.publish_scheduled_policy", N_("Publish scheduled policies"), NoPayload, retry=RetryPolicy(attempts=1000)
)
JOB_TYPES: Final = (REPLAY_POLICY, INHERIT_POLICY, PUBLISH_SCHEDULED)
