"""States of connections. Whether a connection works is its health (`connectors.health`), not its state."""

from enum import StrEnum
from typing import Final

from foundation.state_machine import StateMachine


class ConnectionState(StrEnum):
    """A draft can be tested and compared in a baseline; until it is activated, no value is taken from it or sent."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    DELETED = "deleted"


CONNECTIONS: Final = StateMachine(
    ConnectionState,
    starts=[ConnectionState.ACTIVE, ConnectionState.DRAFT],
    transitions={
        ConnectionState.DRAFT: [ConnectionState.ACTIVE, ConnectionState.DELETED],
        ConnectionState.ACTIVE: [ConnectionState.PAUSED, ConnectionState.DELETED],
        ConnectionState.PAUSED: [ConnectionState.ACTIVE, ConnectionState.DELETED],
    },
)
