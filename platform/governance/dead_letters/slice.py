"""What this slice adds to the room."""

from typing import Final

from foundation.rooms import Slice
from governance.dead_letters.pages import DEAD_LETTER_PAGES
from governance.dead_letters.routes import DEAD_LETTER_ROUTES

SLICE: Final = Slice(
    routes=DEAD_LETTER_ROUTES,
    pages=DEAD_LETTER_PAGES,
)
