"""The states of a propagation: one change on its way to one channel.

    state           what it means                                   what ends it
    pending         to be sent; one job in its push lane            every other state
    accepted        the channel said yes and shows something else;  verified, pending (sent again after some looks),
                    one job in its verify lane                      failed, superseded
    verified        it was read back: a buyer sees it               nothing; a later drift is an exception of its own
    stale_approval  a person approved it on data that has changed   superseded, by what is decided instead
    refused         the channel will not take it                    pending (replay), verified (seen after all),
                                                                    superseded
    failed          tried or looked for as long as a correction     pending (replay), verified (seen after all),
                    may take                                        superseded
    superseded      a newer propagation of the same record and      nothing; with `accepted_at` or `sent_at` it may
                    element exists for this channel                 have been seen, unproven: not verified, not billed

The clock runs in every state but `verified` and `superseded`. A settlement names the state it started from and does
nothing when another has come between. Who settles: the push lane what is pending, the verify lane what is accepted,
the drift scan what is refused or failed.
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
"""Work is under way."""

STOPPED: Final = (STALE_APPROVAL, REFUSED, FAILED)
"""Only a person, a newer value or the channel itself moves it on."""

RUNNING: Final = "state NOT IN ('verified', 'superseded')"
"""As SQL. The indexes are declared with these very words, so a query must use them."""
