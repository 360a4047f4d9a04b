"""ASGI layer around the complete application: rules for every request and every response.

Requests whose host, address or query no handler could parse are refused here. The client's address and scheme are taken
from configured proxies. Each response has the security headers and a cache rule. A client's disconnect cancels its
request, and an uncaught error becomes a response without details.
"""

import re
from collections.abc import Awaitable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import structlog

from foundation.errors import DomainError
from foundation.i18n.localizer import Localizer, current_localizer, localized
from foundation.i18n.negotiation import choose_language
from foundation.marks import N_, Phrase
from foundation.redaction import for_one_reader
from foundation.telemetry.asgi import AsgiApp, Message, Receive, Scope, Send
from foundation.telemetry.correlation import current_correlation
from foundation.web.client_address import NO_PROXIES, ProxyRule
from foundation.web.errors import InternalError, MalformedRequest, RequestIncomplete
from foundation.web.headers import NO_STORE, SECURITY_HEADERS
from foundation.web.languages import name_language
from foundation.web.negotiation import prefers_html
from foundation.web.plain_page import HTML_TYPE, plain_page
from foundation.web.problems import PROBLEM_TYPE, problem_body

_log = structlog.get_logger(__name__)
_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5})?)?", re.ASCII
)
_MOST_PORT: Final = 65535
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PLAIN: Final = re.compile(rb"[!-$&-~]*")
_NUL: Final = re.compile(rb"\x00")
_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
_SLASHES: Final = re.compile("//+")
_SECURITY_NAMES: Final = frozenset(name for name, _ in SECURITY_HEADERS)
_HASHED_FILE: Final = re.compile(r"/static/[^/]+\.[0-9a-f]{16}(?:\.[a-z0-9]+)+")
_OF_MACHINES: Final = ("/api/", "/hooks/", "/payment-hooks/")
_UNREAD: Final = ("/hooks/", "/payment-hooks/", "/static/", "/brand/", "/client-brand/")
"""Paths whose responses are not read by people, so their language is not chosen."""
_FOR_EVER: Final = (b"cache-control", b"public, max-age=31536000, immutable")
_NO_CACHE: Final = (b"cache-control", b"no-cache")
_PRIVATE: Final = (b"cache-control", b"private, no-cache")


class Boundary:
    """ASGI middleware, inside `ObservedApp`, around the framework."""

    def __init__(self, app: AsgiApp, *, proxies: ProxyRule = NO_PROXIES, public_port: int | None = None) -> None:
        self._app = app
        self._proxies = proxies
        self._public_port = public_port
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._resolve_client(scope)
        if "//" in scope["path"]:  # the framework ignores repeated slashes, so rules by prefix must as well
            scope["path"] = _SLASHES.sub("/", scope["path"])
        scope.setdefault("state", {})["public_port"] = self._public_port
        outgoing = _Outgoing(scope["path"], send)
        if scope["path"].startswith(_UNREAD):
            await self._serve(scope, receive, outgoing)
            return
        with localized(Localizer(choose_language(header_text(scope, b"accept-language")))), for_one_reader():
            await self._serve(scope, receive, outgoing)

    async def _serve(self, scope: Scope, receive: Receive, outgoing: "_Outgoing") -> None:
        try:
            check_request(scope)
            await self._app(scope, _Incoming(receive).receive, outgoing.send)
        except DomainError as refusal:
            await _answer(scope, outgoing, refusal)
        except Exception as error:
            if outgoing.started:
                raise
            _log.error("web.failed", path=scope["path"], exc_info=error)
            await _answer(scope, outgoing, InternalError())

    def _resolve_client(self, scope: Scope) -> None:
        client, headers = scope.get("client"), scope["headers"]
        if client is None:
            return
        peer, port = client
        if not self._proxies.networks:
            if not self._warned and header_values(scope, b"x-forwarded-for"):
                self._warned = True  # once: clients can send the header too
                _log.warning("web.proxy_not_trusted", peer=peer, hint="Your proxy? Set FAIRLEAD_TRUSTED_PROXIES.")
            if ":" in peer:  # IPv4 mapped in IPv6 is the same address
                scope["client"] = (self._proxies.client_of(peer, ()), port)
            return
        scope["scheme"] = self._proxies.scheme_of(peer, headers, scope.get("scheme", "http"))
        address = self._proxies.client_of(peer, headers)
        scope["client"] = (address, port if address == peer else 0)


def check_request(scope: Scope) -> None:
    """Validate host, path and query. Raises: MalformedRequest."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) > 1 or (not hosts and scope.get("http_version") != "1.0"):
        raise MalformedRequest(N_("Send exactly one Host header."))
    if hosts and not _is_host(hosts[0]):
        raise MalformedRequest(N_("The Host header is not a host name with an optional port."))
    raw_path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogatepass")
    if not _PLAIN.fullmatch(raw_path):
        _check_escapes(raw_path, N_("address"), forbidden=_CONTROL)
    if query := scope.get("query_string", b""):
        _check_escapes(query, N_("query"), forbidden=_NUL)


def header_values(scope: Mapping[str, Any], name: bytes) -> list[bytes]:
    """A header's values. `name` is lower case. Never raises, unlike the framework's request object."""
    return [value for key, value in scope.get("headers", ()) if key == name]


def header_text(scope: Mapping[str, Any], name: bytes) -> str:
    """A header's first value, or an empty string."""
    values = header_values(scope, name)
    return values[0].decode("latin-1") if values else ""


def single_header(scope: Mapping[str, Any], name: bytes) -> str:
    """The value of a header that decisions depend on, or an empty string. Refusing duplicates prevents disagreement
    with other parsers.

    Raises: MalformedRequest: the header is repeated.
    """
    values = header_values(scope, name)
    if len(values) > 1:
        raise MalformedRequest(
            N_("The header {name} was sent {number} times. Send it once."),
            params={"name": name.decode("latin-1").title(), "number": len(values)},
        )
    return values[0].decode("latin-1") if values else ""


@lru_cache(1024)
def _is_host(value: bytes) -> bool:
    found = _HOST.fullmatch(value.decode("latin-1"))
    return found is not None and int(found.group(1) or 0) <= _MOST_PORT


def _check_escapes(text: bytes, where: str, *, forbidden: "re.Pattern[bytes]") -> None:
    plain = unquote_to_bytes(text) if b"%" in text else text
    try:
        plain.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedRequest(N_("The {where} is not UTF-8."), params={"where": Phrase(where)}) from None
    if _BAD_ESCAPE.search(text) or forbidden.search(plain):
        raise MalformedRequest(
            N_("The {where} contains an incomplete percent code or a control character."),
            params={"where": Phrase(where)},
        )


class _Incoming:
    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._complete = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._complete = not message.get("more_body", False)
        elif message["type"] == "http.disconnect" and not self._complete:
            raise RequestIncomplete
        return message


class _Outgoing:
    def __init__(self, path: str, send: Send) -> None:
        self._path = path
        self._send = send
        self.started = False

    def send(self, message: Message) -> Awaitable[None]:  # not a coroutine: each costs time on the webhooks' path
        if message["type"] == "http.response.start":
            self.started = True
            headers = message.get("headers", ())
            if not self._path.startswith(_UNREAD):
                headers = name_language(headers, current_localizer().language)
            message["headers"] = [*headers, *_missing(headers, self._path, message["status"])]
        return self._send(message)


def _missing(headers: Any, path: str, status: int) -> list[tuple[bytes, bytes]]:
    present = {name.lower() for name, _ in headers}
    if present.isdisjoint(_SECURITY_NAMES):
        added = list(SECURITY_HEADERS)
    else:
        added = [pair for pair in SECURITY_HEADERS if pair[0] not in present]
    if b"cache-control" not in present:
        added.append(_cache_rule(path, status))
    return added


def _cache_rule(path: str, status: int) -> tuple[bytes, bytes]:
    if path.startswith("/static/"):
        if status not in (200, 206, 304):
            return NO_STORE
        return _FOR_EVER if _HASHED_FILE.fullmatch(path) else _NO_CACHE
    if path.startswith(_OF_MACHINES) or status >= 400:
        return NO_STORE
    return _PRIVATE


async def _answer(scope: Scope, outgoing: _Outgoing, refusal: DomainError) -> None:
    if outgoing.started:
        return
    page = not scope["path"].startswith(_OF_MACHINES) and prefers_html(header_text(scope, b"accept"))
    body = plain_page(refusal, current_correlation()) if page else problem_body(refusal, current_correlation())
    kind = HTML_TYPE if page else PROBLEM_TYPE
    headers: list[Any] = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body)), NO_STORE]
    await outgoing.send({"type": "http.response.start", "status": int(refusal.status), "headers": headers})
    await outgoing.send({"type": "http.response.body", "body": body, "more_body": False})
