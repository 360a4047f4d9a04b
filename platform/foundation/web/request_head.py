"""Checks of a request's head as raw bytes, beside the parser or before it."""

import re
from typing import Final

from foundation.web.negotiation import prefers_html

OTHER_PROTOCOL: Final = re.compile(rb"(?:\r?\n)*[A-Z_-]+ +[^ \r\n]+ +(?!HTTP/)[A-Z]+/")
"""A request line of another protocol: the parser accepts RTSP and ICE as HTTP of the same version number."""
_ACCEPT: Final = re.compile(rb"\r\naccept:([^\r\n]*)\r\n", re.IGNORECASE)
_ACCEPT_WITHIN: Final = 4096
"""Bytes after the request line that are searched for the Accept header: browsers send it early."""
_OF_MACHINES: Final = (b"/api/", b"/hooks/", b"/payment-hooks/")


def is_endless(data: bytes, limit: int) -> bool:
    """Whether `data` begins with headers that exceed the limit: detected without parsing, which would copy the last
    header once per piece.
    """
    if len(data) <= limit:
        return False
    last_line = data.rfind(b"\n", 0, limit) + 1
    return data.find(b"\r\n\r\n", 0, last_line) < 0


def wants_page(url: bytes, headers: list[tuple[bytes, bytes]], incoming: bytes) -> bool:
    """Whether the client is a browser, as far as the request was received; `incoming` may not be parsed yet."""
    if (url or incoming.partition(b" ")[2][:16]).startswith(_OF_MACHINES):
        return False
    accepted = next((value for name, value in headers if name == b"accept"), None)
    if accepted is None:
        start = max(incoming.find(b"\r\n"), 0)
        found = _ACCEPT.search(incoming, start, start + _ACCEPT_WITHIN)
        accepted = found[1] if found else b""
    return prefers_html(accepted.decode("latin-1"))


def names_host(target: bytes, headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether the host of an absolute address equals the Host header: proxies differ in which of them they use."""
    scheme, _, rest = target.partition(b"://")
    authority, slash, _ = rest.partition(b"/")
    hosts = [value.lower() for name, value in headers if name == b"host"]
    return target == b"*" or (
        scheme.lower() in {b"http", b"https"} and bool(slash) and all(host == authority.lower() for host in hosts)
    )
