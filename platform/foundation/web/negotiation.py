"""Content negotiation (RFC 9110 §12.5): the qualities in `Accept` and `Accept-Encoding`."""

import re
from typing import Final

_QUALITY: Final = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII)
_HTML: Final = "text/html"
_MACHINES: Final = ("application/problem+json", "application/json")


def qualities(header: str) -> dict[str, float]:
    """Each name of a list, in lower case, with its quality; a malformed quality counts as not accepted."""
    found: dict[str, float] = {}
    for part in header.split(","):
        name, *parameters = (each.strip().lower() for each in part.split(";"))
        if name:
            found[name] = _quality(parameters)
    return found


def prefers_html(accept: str) -> bool:
    """Whether to send a page rather than a problem: a browser's `Accept` contains HTML, a program's does not."""
    wanted = qualities(accept)
    html = wanted.get(_HTML, 0.0)
    return html > 0 and all(html >= wanted.get(kind, 0.0) for kind in _MACHINES)


def prefers_problem(accept: str) -> bool:
    """Whether to send a problem rather than a page: JSON is preferred to HTML, or HTML is refused. A header that names
    neither, as `*/*`, gets a page.
    """
    wanted = qualities(accept)
    return bool(wanted.keys() & {_HTML, *_MACHINES}) and not prefers_html(accept)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the client accepts gzip, and does not prefer the identity encoding."""
    wanted = qualities(accept_encoding)
    gzip = wanted.get("gzip", wanted.get("x-gzip", wanted.get("*", 0.0)))
    return gzip > 0 and gzip >= wanted.get("identity", 0.0)


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return float(value) if _QUALITY.fullmatch(value := value.strip()) else 0.0
    return 1.0
