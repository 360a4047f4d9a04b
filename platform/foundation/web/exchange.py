"""Request-response cycle of a connection, with preformatted lines for the response's fixed headers.

uvicorn checks and copies each header of each response. Eight of them are the same on nearly all responses and are
looked up: checking them took a tenth of a webhook's processor time.
"""

from collections.abc import Awaitable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

from foundation.web.headers import NO_STORE, SECURITY_HEADERS
from foundation.web.plain_page import HTML_TYPE
from foundation.web.problems import PROBLEM_TYPE

_TYPES: Final = ("application/json", PROBLEM_TYPE, HTML_TYPE)
_LINES: Final[dict[tuple[bytes, bytes], bytes]] = {
    pair: b"%s: %s\r\n" % pair
    for pair in (*SECURITY_HEADERS, NO_STORE, *((b"content-type", kind.encode()) for kind in _TYPES))
}
_WITHOUT_BODY: Final = frozenset({204, 304})


class Exchange(RequestResponseCycle):
    """uvicorn's cycle with another start of the response."""

    def send(self, message: Any) -> Awaitable[None]:  # type: ignore[override]  # not a coroutine
        if self.response_started or message["type"] != "http.response.start":
            return super().send(message)
        return self._start(message)

    async def _start(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        status = message["status"]
        parts = [STATUS_LINE[status]]
        for name, value in (*self.default_headers, *message.get("headers", ())):
            parts.append(_LINES.get((name, value)) or self._line(name.lower(), value))
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in _WITHOUT_BODY:
            self.chunked_encoding = True
            parts.append(b"transfer-encoding: chunked\r\n")
        parts.append(b"\r\n")
        self.transport.write(b"".join(parts))

    def _line(self, name: bytes, value: bytes) -> bytes:
        """A header's line. Raises: RuntimeError: the name or value is invalid, or would end the header."""
        if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
            raise RuntimeError("Invalid HTTP header.")
        if name == b"content-length" and self.chunked_encoding is None:
            self.expected_content_length = int(value)
            self.chunked_encoding = False
        elif name == b"transfer-encoding" and value.lower() == b"chunked":
            self.expected_content_length = 0
            self.chunked_encoding = True
        elif name == b"connection" and b"close" in [token.strip() for token in value.lower().split(b",")]:
            self.keep_alive = False
            return b""  # added at the end
        return b"%s: %s\r\n" % (name, value)
