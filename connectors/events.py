"""What this room tells: the subject is the connection."""

from typing import Final

from foundation.events import EventKind

CONNECTION_PAUSED: Final = EventKind("connection.paused")
CONNECTION_RESUMED: Final = EventKind("connection.resumed")
"""`data`: since, when it had been paused or, if that is not known, made."""
CONNECTION_FAILING: Final = EventKind("connection.failing")
"""It worked until now, or was never used before."""
CONNECTION_RECOVERED: Final = EventKind("connection.recovered")

EVENTS: Final = (CONNECTION_PAUSED, CONNECTION_RESUMED, CONNECTION_FAILING, CONNECTION_RECOVERED)
