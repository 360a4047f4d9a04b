"""Parts of this slice."""

from typing import Final

from billing.exports.commands import COMMANDS
from billing.exports.pages import EXPORT_PAGES
from billing.exports.routes import EXPORT_ROUTES
from foundation.rooms import Slice

SLICE: Final = Slice(routes=EXPORT_ROUTES, pages=EXPORT_PAGES, commands=COMMANDS)
