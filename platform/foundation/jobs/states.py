"""States of dead letters."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine


class DeadLetterState(LabelledCode):
    OPEN = "open", N_("open")
    REPLAYED = "replayed", N_("replayed")
    DISCARDED = "discarded", N_("discarded")


DEAD_LETTERS: Final = StateMachine(
    DeadLetterState,
    starts=[DeadLetterState.OPEN],
    transitions={DeadLetterState.OPEN: [DeadLetterState.REPLAYED, DeadLetterState.DISCARDED]},
)
