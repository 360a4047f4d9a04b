"""States of connections. Whether a connection works is its health (`connectors.health`), not its state."""

from enum import StrEnum
from typing import Final

from foundation.state_machine import StateMachine


class ConnectionState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    DELETED = "deleted"


CONNECTIONS: Final = StateMachine(
    ConnectionState,
    starts=[ConnectionState.ACTIVE],
    transitions={
        ConnectionState.ACTIVE: [ConnectionState.PAUSED, ConnectionState.DELETED],
        ConnectionState.PAUSED: [ConnectionState.ACTIVE, ConnectionState.DELETED],
    },
)
