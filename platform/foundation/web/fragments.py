"""Page fragments that refresh themselves. They have separate URLs, which must never be shown as a page."""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Litestar
from litestar.connection import ASGIConnection

from foundation.web.boundary import header_text

FRAGMENT: Final = {"fragment": True}
"""`opt` of a handler that returns a fragment of the page at the parent path: `/overview/flow` of `/overview`."""
DIALOG_FRAGMENT: Final = {"fragment": True, "any_page": True}
"""`opt` of a handler whose fragment any page can show in a dialog: its parent path has no page, the start page is shown
instead.
"""

AnyConnection = ASGIConnection[Any, Any, Any, Any]
PageOf = Callable[[str], str]
_STATE: Final = "page_of"
_PARAMETER: Final = re.compile(r"\\\{[^/}]*\\\}")
_SAFE: Final = frozenset({"GET", "HEAD"})


def collect_fragments(app: Litestar) -> None:
    """Collect the paths of fragments from the routes."""
    of_parent, of_any = _pattern(app, any_page=False), _pattern(app, any_page=True)

    def page_of(address: str) -> str:
        path, mark, query = address.partition("?")
        if of_any.fullmatch(path):
            return "/"
        return path.rpartition("/")[0] + mark + query if of_parent.fullmatch(path) else address

    app.state[_STATE] = page_of


def _pattern(app: Litestar, *, any_page: bool) -> re.Pattern[str]:
    """Pattern of the paths of fragments of the parent page, or of any page."""
    found = [
        _PARAMETER.sub("[^/]+", re.escape(route.path_format))
        for route in app.routes
        if any(
            handler.opt.get("fragment") and bool(handler.opt.get("any_page")) == any_page
            for handler in getattr(route, "route_handlers", ())
        )
    ]
    return re.compile("|".join(found) if found else r"(?!)")


def page_of(request: AnyConnection, address: str) -> str:
    """The page to show for `address`, a path with its query: the address itself, or the parent page of a fragment."""
    find: PageOf | None = request.app.state.get(_STATE)
    return address if find is None else find(address)


def page_behind(request: AnyConnection) -> str:
    """The page that a request came from or was for; empty when unknown. Never fails. An htmx request fetches a part of
    the page that the browser shows, and a form is sent from that page too.
    """
    scope = request.scope
    part = header_text(scope, b"hx-request") and header_text(scope, b"hx-boosted") != "true"
    if part and header_text(scope, b"hx-history-restore-request") != "true":
        shown = _own(header_text(scope, b"hx-current-url"), header_text(scope, b"host"))
        if shown:
            return page_of(request, shown)
    if scope.get("method", "GET") not in _SAFE:
        return page_of(request, _own(header_text(scope, b"referer"), header_text(scope, b"host")))
    query = scope.get("query_string", b"").decode("latin-1")
    return page_of(request, scope["path"] + (f"?{query}" if query else ""))


class PageInstead(Exception):
    """A browser navigated to a fragment's URL: the page to show is `address`."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


def require_part(request: AnyConnection) -> None:
    """Refuse a navigation to a fragment. Raises: PageInstead: the browser would show the fragment alone."""
    if request.route_handler.opt.get("fragment") and header_text(request.scope, b"sec-fetch-dest") == "document":
        raise PageInstead(page_behind(request))


def _own(url: str, host: str) -> str:
    """Path and query of `url` if it is on this host; else empty."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if not parts.netloc or parts.netloc.lower() != host.lower():
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")
