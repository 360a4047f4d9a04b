"""Deprecation of routes: an option of the route, headers of its answers, and a mark in the API's description."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final

DEPRECATION: Final = "deprecation"
"""Key of a handler's options."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """The deprecation of a route. `since` and `sunset` are in UTC; after `sunset` the route may be gone. `successor` is
    the address to use instead.
    """

    since: datetime
    sunset: datetime | None = None
    successor: str = ""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """`Deprecation` (RFC 9745), `Sunset` (RFC 8594) and `Link` (RFC 8288)."""
        found = [(b"deprecation", f"@{int(self.since.timestamp())}".encode())]
        if self.sunset is not None:
            found.append((b"sunset", format_datetime(self.sunset, usegmt=True).encode()))
        if self.successor:
            found.append((b"link", f'<{self.successor}>; rel="successor-version"'.encode()))
        return found


def deprecated(opt: dict[str, Any], deprecation: Deprecation) -> dict[str, Any]:
    """Arguments of a route's decorator: its options, and the mark in the API's description."""
    return {"opt": {**opt, DEPRECATION: deprecation}, "deprecated": True}
