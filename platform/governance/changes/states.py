"""States of changes. Whether buyers see a released change is told by its propagations."""

from enum import StrEnum
from typing import Final

from foundation.state_machine import StateMachine


class ChangeState(StrEnum):
    RELEASED = "released"
    """The approved value, sent to the channels."""
    AWAITING_APPROVAL = "awaiting_approval"
    REFUSED = "refused"
    """By policy, or because the data behind the approval no longer permits it."""
    DECLINED = "declined"
    """By a person."""
    SUPERSEDED = "superseded"
    """A newer value came before the answer."""
    EXPIRED = "expired"
    """Nobody answered in time, or the release came too late."""


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
