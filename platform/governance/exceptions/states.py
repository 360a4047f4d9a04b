"""States of exceptions."""

from enum import StrEnum
from typing import Final

from foundation.state_machine import StateMachine


class ExceptionState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    """By a person, or because its cause is gone."""
    DISCARDED = "discarded"


EXCEPTIONS: Final = StateMachine(
    ExceptionState,
    starts=[ExceptionState.OPEN],
    transitions={ExceptionState.OPEN: [ExceptionState.RESOLVED, ExceptionState.DISCARDED]},
)
IS_OPEN: Final = f"state = '{ExceptionState.OPEN}'"
"""As SQL, the text of the partial indexes."""
