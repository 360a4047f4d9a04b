"""Event types of this room. The subject is the connection."""

from typing import Final

from foundation.events import EventType

CONNECTION_PAUSED: Final = EventType("connection.paused")
CONNECTION_RESUMED: Final = EventType("connection.resumed")
"""`data`: since, the time of the pause or, if unknown, of the connection's creation."""
CONNECTION_FAILING: Final = EventType("connection.failing")
"""Published on the first failure after a success, or of a connection never used before."""
CONNECTION_RECOVERED: Final = EventType("connection.recovered")

EVENTS: Final = (CONNECTION_PAUSED, CONNECTION_RESUMED, CONNECTION_FAILING, CONNECTION_RECOVERED)
