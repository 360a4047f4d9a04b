"""Parts of this slice."""

from typing import Final

from foundation.rooms import Slice
from governance.search.commands import COMMANDS
from governance.search.pages import build_search_pages
from governance.search.routes import build_search_routes
from governance.search.sources import SOURCES

SLICE: Final = Slice(
    pages=lambda services: build_search_pages(services.rooms),
    routes=lambda services: build_search_routes(services.rooms),
    search_sources=SOURCES,
    commands=COMMANDS,
)
