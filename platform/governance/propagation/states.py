"""The states of a propagation: one change to one channel.

    state           meaning                                         ended by
    pending         to be sent; one job in its push lane            every other state
    accepted        accepted by the channel, which shows another    verified, pending (sent again after some readings),
                    value; one job in its verify lane               failed, superseded
    verified        read back: a buyer sees the value               nothing; a later drift is an exception of its own
    stale_approval  approved by a person on data that has changed   superseded, by the new decision
    refused         rejected by the channel                         pending (replay), verified (seen after all),
                                                                    superseded
    failed          no success within the time that a correction    pending (replay), verified (seen after all),
                    may take                                        superseded
    superseded      a newer propagation of the same record and      nothing; with `accepted_at` or `sent_at` it may
                    element exists for this channel                 have been seen, unproven: not verified, not billed

The delivery clock runs in every state but `verified`, `superseded` and `stale_approval`, which waits for people, and
while the channel is active. A settlement names the state it started from and does
nothing when the state has changed since. Pending ones are settled by the push job, accepted ones by the verify job,
refused and failed ones by the drift scan.
"""

from enum import StrEnum
from typing import Final

from foundation.state_machine import StateMachine, in_sql


class PropagationState(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    VERIFIED = "verified"
    STALE_APPROVAL = "stale_approval"
    REFUSED = "refused"
    FAILED = "failed"
    SUPERSEDED = "superseded"


PROPAGATIONS: Final = StateMachine(
    PropagationState,
    starts=[PropagationState.PENDING],
    transitions={
        PropagationState.PENDING: [
            PropagationState.ACCEPTED,
            PropagationState.VERIFIED,
            PropagationState.STALE_APPROVAL,
            PropagationState.REFUSED,
            PropagationState.FAILED,
            PropagationState.SUPERSEDED,
        ],
        PropagationState.ACCEPTED: [
            PropagationState.PENDING,
            PropagationState.VERIFIED,
            PropagationState.FAILED,
            PropagationState.SUPERSEDED,
        ],
        PropagationState.STALE_APPROVAL: [PropagationState.SUPERSEDED],
        PropagationState.REFUSED: [
            PropagationState.PENDING,
            PropagationState.VERIFIED,
            PropagationState.SUPERSEDED,
        ],
        PropagationState.FAILED: [
            PropagationState.PENDING,
            PropagationState.VERIFIED,
            PropagationState.SUPERSEDED,
        ],
    },
)

MOVING: Final = (PropagationState.PENDING, PropagationState.ACCEPTED)
"""Jobs are under way."""

STOPPED: Final = (PropagationState.STALE_APPROVAL, PropagationState.REFUSED, PropagationState.FAILED)
"""Moved on only by a person, a newer value or the channel itself."""

RUNNING: Final = f"state NOT IN ({in_sql([PropagationState.VERIFIED, PropagationState.SUPERSEDED])})"
"""As SQL. The indexes are declared with exactly this text, so queries must use it."""
