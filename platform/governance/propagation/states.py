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

from typing import Final

PENDING: Final = "pending"
ACCEPTED: Final = "accepted"
VERIFIED: Final = "verified"
STALE_APPROVAL: Final = "stale_approval"
REFUSED: Final = "refused"
FAILED: Final = "failed"
SUPERSEDED: Final = "superseded"

MOVING: Final = (PENDING, ACCEPTED)
"""Jobs are under way."""

STOPPED: Final = (STALE_APPROVAL, REFUSED, FAILED)
"""Moved on only by a person, a newer value or the channel itself."""

RUNNING: Final = "state NOT IN ('verified', 'superseded')"
"""As SQL. The indexes are declared with exactly this text, so queries must use it."""
