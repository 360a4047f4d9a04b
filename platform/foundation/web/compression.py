"""Compressed responses, and `304` for unchanged ones: each encoding of a response has its own entity tag."""

from typing import Any, Final, cast

from litestar.config.compression import CompressionConfig
from litestar.enums import CompressionEncoding
from litestar.middleware.compression import CompressionMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from foundation.web.boundary import header_values
from foundation.web.negotiation import accepts_gzip

_CONFIG: Final = CompressionConfig(backend="gzip", gzip_compress_level=5, minimum_size=1024)
_GZIP: Final = CompressionMiddleware(cast("ASGIApp", None), _CONFIG)
"""A factory of senders only. Shared by all routes: its construction takes a thirtieth of an application's."""
_OF_THE_BODY: Final = frozenset({b"content-length", b"content-encoding", b"content-type", b"last-modified"})


class Compression:
    """ASGI middleware for gzip. Form tokens are masked again in each page, so that a compressed length reveals nothing
    about them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: Send = _Tagged(scope, send)
        if accepts_gzip(_joined(scope, b"accept-encoding")):
            answer = _GZIP.create_compression_send_wrapper(answer, CompressionEncoding.GZIP, scope)
        await self._app(scope, receive, answer)


class _Tagged:
    """Sender that adds Vary and the encoding's entity tag, and replaces a response that the client has cached
    by `304`.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._is_known = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = self._started(dict(message))
        elif self._is_known:
            if message.get("more_body"):
                return
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    def _started(self, message: dict[str, Any]) -> Any:
        headers = [(name.lower(), value) for name, value in message["headers"]]
        varies = [value for name, value in headers if name == b"vary" and value.lower() != b"accept-encoding"]
        headers = [pair for pair in headers if pair[0] != b"vary"]
        headers.append((b"vary", b", ".join([*varies, b"Accept-Encoding"])))
        if any(name == b"content-encoding" for name, _ in headers):
            headers = [(name, _of_gzip(value) if name == b"etag" else value) for name, value in headers]
        tag = next((value for name, value in headers if name == b"etag"), b"")
        if tag and message["status"] == 200 and self._has(tag.decode("latin-1")):
            self._is_known = True
            message["status"] = 304
            headers = [pair for pair in headers if pair[0] not in _OF_THE_BODY]
        return message | {"headers": headers}

    def _has(self, tag: str) -> bool:
        if self._scope.get("method") not in ("GET", "HEAD"):
            return False
        known = [each.strip().removeprefix("W/") for each in _joined(self._scope, b"if-none-match").split(",")]
        return "*" in known or tag.removeprefix("W/") in known


def _of_gzip(tag: bytes) -> bytes:
    return tag[:-1] + b'-gzip"' if tag.endswith(b'"') else tag


def _joined(scope: Scope, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for value in header_values(scope, name))
