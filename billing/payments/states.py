"""States of what is exchanged with payment providers."""

from enum import StrEnum
from typing import Final

from foundation.state_machine import StateMachine


class RequestState(StrEnum):
    PENDING = "pending"
    """Written before the call. The call may or may not have taken effect."""
    DONE = "done"
    REFUSED = "refused"


REQUESTS: Final = StateMachine(
    RequestState,
    starts=[RequestState.PENDING],
    transitions={RequestState.PENDING: [RequestState.DONE, RequestState.REFUSED]},
)
