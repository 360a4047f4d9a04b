"""Parts of this slice."""

from typing import Final

from foundation.rooms import Slice
from governance.source_events.commands import COMMANDS
from governance.source_events.routes import SOURCE_EVENT_ROUTES

SLICE: Final = Slice(routes=SOURCE_EVENT_ROUTES, commands=COMMANDS)
