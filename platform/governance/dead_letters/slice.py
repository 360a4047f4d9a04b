"""What this slice adds to the room."""

from typing import Final

from foundation.rooms import Slice, WebPart
from governance.dead_letters.pages import DEAD_LETTER_PAGES, provide_job_title
from governance.dead_letters.routes import DEAD_LETTER_ROUTES
from governance.dead_letters.tiles import TILES

SLICE: Final = Slice(
    tiles=TILES,
    routes=DEAD_LETTER_ROUTES,
    pages=DEAD_LETTER_PAGES,
    web=lambda services: WebPart(dependencies={"job_title": provide_job_title(services.rooms.job_title)}),
)
