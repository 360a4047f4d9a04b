"""States of changes. Whether buyers see a released change follows from its propagations."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine


class ChangeState(LabelledCode):
    RELEASED = "released", N_("released")
    """The approved value, sent to the channels."""
    AWAITING_APPROVAL = "awaiting_approval", N_("awaiting approval")
    REFUSED = "refused", N_("refused")
    """Refused by policy, or because the data behind the approval no longer permits the change."""
    DECLINED = "declined", N_("declined")
    """Declined by a person."""
    SUPERSEDED = "superseded", N_("superseded")
    """A newer value came before the answer."""
    EXPIRED = "expired", N_("expired")
    """Not answered in time, or released too late."""


CHANGES: Final = StateMachine(
    ChangeState,
    starts=[ChangeState.RELEASED, ChangeState.AWAITING_APPROVAL, ChangeState.REFUSED],
    transitions={
        ChangeState.AWAITING_APPROVAL: [
            ChangeState.RELEASED,
            ChangeState.REFUSED,
            ChangeState.DECLINED,
            ChangeState.SUPERSEDED,
            ChangeState.EXPIRED,
        ]
    },
)
IS_AWAITING: Final = f"state = '{ChangeState.AWAITING_APPROVAL}'"
"""As SQL, the text of the partial index."""
