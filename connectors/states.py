"""States of connections. Whether a connection works is its health (`connectors.health`), not its state."""

from enum import StrEnum
from typing import Final

from foundation.state_machine import StateMachine


class ConnectionState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    DELETED = "deleted"


class Environment(StrEnum):
    """What the connected system is for. No value passes between a live and a sandbox connection."""

    LIVE = "live"
    SANDBOX = "sandbox"


CONNECTIONS: Final = StateMachine(
    ConnectionState,
    starts=[ConnectionState.ACTIVE],
    transitions={
        ConnectionState.ACTIVE: [ConnectionState.PAUSED, ConnectionState.DELETED],
        ConnectionState.PAUSED: [ConnectionState.ACTIVE, ConnectionState.DELETED],
    },
)
