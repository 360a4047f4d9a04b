"""States of data keys."""

from enum import StrEnum
from typing import Final

from foundation.state_machine import StateMachine


class DataKeyState(StrEnum):
    ACTIVE = "active"
    """Seals new values; a tenant has one."""
    DRAINING = "draining"
    """Opens the values that are not sealed again yet."""
    RETIRED = "retired"
    """Opens nothing but values in backups."""


DATA_KEYS: Final = StateMachine(
    DataKeyState,
    starts=[DataKeyState.ACTIVE],
    transitions={
        DataKeyState.ACTIVE: [DataKeyState.DRAINING],
        DataKeyState.DRAINING: [DataKeyState.RETIRED],
    },
)
IS_ACTIVE: Final = f"state = '{DataKeyState.ACTIVE}'"
"""As SQL, the text of the partial index."""
