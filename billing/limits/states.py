"""States of reservations."""

from enum import StrEnum
from typing import Final

from foundation.state_machine import StateMachine


class ReservationState(StrEnum):
    RESERVED = "reserved"
    SETTLED = "settled"
    RELEASED = "released"
    EXPIRED = "expired"
    """Not settled in time, so it no longer counts against limits. Can still be settled: the use may have happened."""


RESERVATIONS: Final = StateMachine(
    ReservationState,
    starts=[ReservationState.RESERVED],
    transitions={
        ReservationState.RESERVED: [ReservationState.SETTLED, ReservationState.RELEASED, ReservationState.EXPIRED],
        ReservationState.EXPIRED: [ReservationState.SETTLED],
    },
)
