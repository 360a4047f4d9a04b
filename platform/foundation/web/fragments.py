"""Parts of pages that refresh themselves. They have addresses of their own, at which nobody should ever land."""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Litestar
from litestar.connection import ASGIConnection

from foundation.web.boundary import header_text

FRAGMENT: Final = {"fragment": True}
"""`opt` of a handler whose answer is a part of the page at the address above it: `/overview/flow` of `/overview`."""

AnyConnection = ASGIConnection[Any, Any, Any, Any]
PageOf = Callable[[str], str]
_STATE: Final = "page_of"
_PARAMETER: Final = re.compile(r"\\\{[^/}]*\\\}")
_SAFE: Final = frozenset({"GET", "HEAD"})


def remember_fragments(app: Litestar) -> None:
    """Read from the routes which addresses are fragments."""
    found = [
        _PARAMETER.sub("[^/]+", re.escape(route.path_format))
        for route in app.routes
        if any(handler.opt.get("fragment") for handler in getattr(route, "route_handlers", ()))
    ]
    pattern = re.compile("|".join(found) if found else r"(?!)")

    def page_of(address: str) -> str:
        path, mark, query = address.partition("?")
        return path.rpartition("/")[0] + mark + query if pattern.fullmatch(path) else address

    app.state[_STATE] = page_of


def page_of(request: AnyConnection, address: str) -> str:
    """The page to show for `address`, a path with its query: the page itself, for one of its fragments."""
    find: PageOf | None = request.app.state.get(_STATE)
    return address if find is None else find(address)


def page_behind(request: AnyConnection) -> str:
    """The page that a request came from or was for; empty when that is not known. Reads nothing that can fail.

    What htmx asks for is a part of the page that the browser shows, and so is where a form is sent.
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
    """A browser went to a fragment's address itself: what it shows is `address`."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


def require_part(request: AnyConnection) -> None:
    """Raises: PageInstead: a fragment would be all that the browser shows."""
    if request.route_handler.opt.get("fragment") and header_text(request.scope, b"sec-fetch-dest") == "document":
        raise PageInstead(page_behind(request))


def _own(url: str, host: str) -> str:
    """Path and query of `url` if it is on this host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if not parts.netloc or parts.netloc.lower() != host.lower():
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")
