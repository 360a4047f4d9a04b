"""The states of a propagation: one change on its way to one channel.

    state        what it means                                 what ends it
    pending      to be sent; one item of work in its push lane  every other state
    accepted     the channel said yes and shows something else; verified, pending (sent again after some looks),
                 one item of work in its verify lane            given_up, superseded
    verified     it was read back: a buyer sees it              nothing; a later drift is an exception of its own
    held         a person approved it on data that has changed  superseded, by what is decided instead
    refused      the channel will not take it                   pending (replay), verified (seen after all), superseded
    given_up     tried or looked for as long as a correction    pending (replay), verified (seen after all), superseded
                 may take
    superseded   a newer propagation of the same record and     nothing; with `accepted_at` or `sent_at` it may have
                 element exists for this channel               been seen, unproven: not verified and not billed

The clock runs in every state but `verified` and `superseded`. A settlement names the state it started from and does
nothing when another has come between. Who settles: the push lane what is pending, the verify lane what is accepted,
the re-reading what is refused or given up.
"""

from typing import Final

PENDING: Final = "pending"
ACCEPTED: Final = "accepted"
VERIFIED: Final = "verified"
STALE_APPROVAL: Final = "held"
REFUSED: Final = "refused"
FAILED: Final = "given_up"
SUPERSEDED: Final = "superseded"

MOVING: Final = (PENDING, ACCEPTED)
"""Work is under way."""

STOPPED: Final = (STALE_APPROVAL, REFUSED, FAILED)
"""Only a person, a newer value or the channel itself moves it on."""

RUNNING: Final = "state NOT IN ('verified', 'superseded')"
"""As SQL. The indexes are declared with these very words, so a query must use them."""
