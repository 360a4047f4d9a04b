"""Event types of this room. The subject is the connection."""

from datetime import datetime
from typing import Any, Final

import msgspec

from foundation.events import EventType
from foundation.jobs.types import NoPayload


class ConnectionResumed(msgspec.Struct, frozen=True):
    """`since`: the time of the pause or, if unknown, of the connection's creation."""

    since: datetime


CONNECTION_PAUSED: Final = EventType("connection.paused", "A connection was paused", NoPayload)
CONNECTION_RESUMED: Final = EventType("connection.resumed", "A connection was resumed", ConnectionResumed)
CONNECTION_FAILING: Final = EventType("connection.failing", "A connection began to fail", NoPayload)
"""Published on the first failure after a success, or of a connection never used before."""
CONNECTION_RECOVERED: Final = EventType("connection.recovered", "A connection works again", NoPayload)

EVENTS: Final[tuple[EventType[Any], ...]] = (
    CONNECTION_PAUSED, CONNECTION_RESUMED, CONNECTION_FAILING, CONNECTION_RECOVERED,
)  # fmt: skip
