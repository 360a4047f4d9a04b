"""What this slice adds to the room."""

from typing import Final

from foundation.rooms import Slice
from governance.search.pages import SEARCH_PAGES

SLICE: Final = Slice(pages=SEARCH_PAGES)
