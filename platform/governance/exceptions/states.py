"""States of exceptions."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine


class ExceptionState(LabelledCode):
    OPEN = "open", N_("open")
    RESOLVED = "resolved", N_("resolved")
    """Resolved by a person, or because the cause has ended."""
    DISCARDED = "discarded", N_("discarded")


EXCEPTIONS: Final = StateMachine(
    ExceptionState,
    starts=[ExceptionState.OPEN],
    transitions={ExceptionState.OPEN: [ExceptionState.RESOLVED, ExceptionState.DISCARDED]},
)
IS_OPEN: Final = f"state = '{ExceptionState.OPEN}'"
"""As SQL, the text of the partial indexes."""
