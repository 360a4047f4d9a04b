"""Parts of this slice."""

from typing import Final

from foundation.rooms import Slice, WebPart
from governance.dead_letters.commands import COMMANDS
from governance.dead_letters.notices import notify_failed_jobs
from governance.dead_letters.pages import DEAD_LETTER_PAGES, provide_job_title
from governance.dead_letters.routes import DEAD_LETTER_ROUTES
from governance.dead_letters.tiles import TILES

SLICE: Final = Slice(
    commands=COMMANDS,
    tiles=TILES,
    repairs=(notify_failed_jobs,),
    routes=DEAD_LETTER_ROUTES,
    pages=DEAD_LETTER_PAGES,
    web=lambda services: WebPart(dependencies={"job_title": provide_job_title(services.rooms.job_title)}),
)
