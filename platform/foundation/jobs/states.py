"""States of dead letters."""

from enum import StrEnum
from typing import Final

from foundation.state_machine import StateMachine


class DeadLetterState(StrEnum):
    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


DEAD_LETTERS: Final = StateMachine(
    DeadLetterState,
    starts=[DeadLetterState.OPEN],
    transitions={DeadLetterState.OPEN: [DeadLetterState.REPLAYED, DeadLetterState.DISCARDED]},
)
