"""What this room tells: the subject is the connection."""

from typing import Final

from foundation.events import EventType

CONNECTION_PAUSED: Final = EventType("connection.paused")
CONNECTION_RESUMED: Final = EventType("connection.resumed")
"""`data`: since, when it had been paused or, if that is not known, made."""
CONNECTION_FAILING: Final = EventType("connection.failing")
"""It worked until now, or was never used before."""
CONNECTION_RECOVERED: Final = EventType("connection.recovered")

EVENTS: Final = (CONNECTION_PAUSED, CONNECTION_RESUMED, CONNECTION_FAILING, CONNECTION_RECOVERED)
