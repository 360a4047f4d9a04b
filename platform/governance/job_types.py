"""Job types and lanes that several slices of governance name; those of one slice are in its own `job_types.py`.

One lane per connection and direction, so a slow channel delays only itself.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from foundation.jobs.lanes import connection_lane
from foundation.jobs.types import JobType, NoPayload, RetryPolicy
from foundation.marks import N_

PUSH_RETRY: Final = RetryPolicy(attempts=60, base=0.5, cap=60.0)
VERIFY_RETRY: Final = RetryPolicy(attempts=60, base=0.25, cap=60.0)
"""Retries of a reading that fails on our side. A reading without the expected value is not a failure."""
SCAN_RETRY: Final = RetryPolicy(attempts=20, base=5.0, cap=300.0)
_RECURRING: Final = RetryPolicy(attempts=1000)


class VerifyValues(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of a verification. `attempt`: the attempt to verify; jobs of earlier attempts are void."""

    attempt: int | None = None


class Redecide(msgspec.Struct, frozen=True):
    connection_id: UUID


class BackfillChannel(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of a backfill; the channel is the job's `ref`. `last`: the run after the margin for concurrent releases.
    `element`: for a channel that was not paused, but added by the element's contract.
    """

    since: datetime
    resumed_at: datetime
    last: bool = False
    element: str = ""


class ConnectionTurn(StrEnum):
    PAUSED = "paused"
    RESUMED = "resumed"
    FAILING = "failing"
    RECOVERED = "recovered"


class WatchEndpoint(msgspec.Struct, frozen=True):
    """The webhook endpoint is the job's `ref`."""

    name: str
    is_paused: bool


class WatchConnection(msgspec.Struct, frozen=True):
    """The connection is the job's `ref`."""

    turn: ConnectionTurn
    at: datetime


REDECIDE: Final = JobType("governance.redecide", N_("Decide again on a value on hold"), Redecide, batch=100)
RELEASE: Final = JobType("governance.release_changes", N_("Release approved changes"), NoPayload, batch=100)
PUSH: Final = JobType(
    "governance.push_values", N_("Send values to a channel"), NoPayload, seconds=120.0, retry=PUSH_RETRY
)
VERIFY: Final = JobType(
    "governance.verify_values", N_("Read values back from a channel"), VerifyValues, seconds=120.0, retry=VERIFY_RETRY
)
SCAN_DRIFT: Final = JobType(
    "governance.scan_drift", N_("Check what a channel shows"), NoPayload, batch=1, seconds=120.0, retry=SCAN_RETRY
)
BACKFILL_CHANNEL: Final = JobType(
    "governance.backfill_channel", N_("Send missed values to a resumed channel"), BackfillChannel, batch=1
)
RELEASE_OBSERVATIONS: Final = JobType(
    "governance.release_observations", N_("Process values held until a contract was published"), NoPayload, batch=1
)

BREACH_SLOS: Final = JobType(
    "governance.breach_slos", N_("Check for late deliveries"), NoPayload, batch=100, retry=_RECURRING
)
ESCALATE_EXCEPTIONS: Final = JobType(
    "governance.escalate_exceptions", N_("Escalate overdue exceptions"), NoPayload, batch=100, retry=_RECURRING
)
EXPIRE_APPROVALS: Final = JobType(
    "governance.expire_approvals", N_("Expire approvals and mark overdue ones"), NoPayload, batch=100, retry=_RECURRING
)
REACH_ESCALATIONS: Final = JobType(
    "governance.reach_escalations", N_("Escalate what waits too long"), NoPayload, batch=100, retry=_RECURRING
)

WATCH_CONNECTION: Final = JobType(
    "governance.watch_connection", N_("Update the state of a connection"), WatchConnection, batch=100
)
WATCH_ENDPOINT: Final = JobType(
    "governance.watch_webhook_endpoint", N_("Update the state of a webhook"), WatchEndpoint, batch=100
)
CHECK_HEALTH: Final = JobType(
    "governance.check_connection_health", N_("Check a failing connection"), NoPayload, batch=1
)

JOB_TYPES: Final = (
    REDECIDE, RELEASE, PUSH, VERIFY, SCAN_DRIFT, BACKFILL_CHANNEL, RELEASE_OBSERVATIONS, BREACH_SLOS,
    ESCALATE_EXCEPTIONS, EXPIRE_APPROVALS, WATCH_CONNECTION, CHECK_HEALTH, WATCH_ENDPOINT,
    REACH_ESCALATIONS,
)  # fmt: skip

OBSERVATIONS_LANE: Final = "observations"
REDECIDE_LANE: Final = "redecide"
RELEASE_LANE: Final = "release"
TIMER_LANE: Final = "timers"


def push_lane(connection_id: UUID) -> str:
    return connection_lane("push", connection_id)


def health_lane(connection_id: UUID) -> str:
    return connection_lane("health", connection_id)


def verify_lane(connection_id: UUID) -> str:
    return connection_lane("verify", connection_id)
