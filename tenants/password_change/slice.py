"""Parts of this slice."""

from typing import Final

from foundation.rooms import Slice
from tenants.password_change.pages import PASSWORD_PAGES

SLICE: Final = Slice(pages=PASSWORD_PAGES)
