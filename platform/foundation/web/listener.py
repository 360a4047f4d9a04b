"""HTTP/1.1 connections with limits on bytes, time and number, enforced before a request reaches the application.

httptools buffers a header line without limit and copies it on each read, and uvicorn's timeouts cover idle keep-alive
connections only. `BoundedProtocol` adds what is missing: a size limit for the request line and headers, deadlines for
headers, body and for a client that does not read its answer, and a limit of connections in total and per peer. When
there are too many, those that have waited longest for their client are closed first, so slow clients displace each
other and not those that are served.
"""

import asyncio
import resource
from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, cast

import msgspec
from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from foundation.ids import NewId, new_id
from foundation.web.wire import refusal_answer

_SLICE: Final = 16 * 1024
"""Headers are parsed in pieces of this size, which is how far beyond the limit they may reach."""
_DISCARDED: Final = 64 * 1024
"""What a refused client may still send before reading stops; closing at once would reset the connection and could
lose the answer."""
_PIPELINED: Final = 8
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_SWEEP_SECONDS: Final = 1.0
_SPARE_FILES: Final = 256


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in seconds. `request_bytes` bounds a body as sent, with its chunk framing; the application
    has smaller limits per route. `url_bytes` holds the longest text of a form: a character of it takes up to 12.
    """

    head_bytes: int = 64 * 1024
    url_bytes: int = 32 * 1024
    fields: int = 128
    request_bytes: int = 8 * 1024 * 1024
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    write_seconds: float = 30.0
    linger_seconds: float = 2.0
    connections: int = 2048
    per_peer: int = 512


class _Reading(Enum):
    NOTHING = 0
    HEAD = 1
    BODY = 2


_NOTHING, _HEAD, _BODY = _Reading
"""Looked up on each header: a class attribute of an Enum costs more than a global."""


class _Refused(Exception):
    """Ends a parser callback; the parser reports it as an error of its own."""


class ConnectionTable:
    """All open connections of one listener. `is_exempt` names the peers without a limit of their own (proxies);
    `note_refusal` takes the status and the correlation id of each answer that the listener gives itself.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        is_exempt: Callable[[str], bool] = lambda _: False,
        peer_of: Callable[[str], str] = str,
        note_refusal: Callable[[int, str], None] = lambda *_: None,
        make_id: NewId = new_id,
    ) -> None:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.limits = limits
        self.most = max(16, min(limits.connections, files - _SPARE_FILES))
        self._is_exempt = is_exempt
        self._peer_of = peer_of
        self._note_refusal = note_refusal
        self._make_id = make_id
        self._open: set[BoundedProtocol] = set()
        self._peers: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: "BoundedProtocol", loop: asyncio.AbstractEventLoop) -> bool:
        """False when there is no room even after closing those that wait for their client."""
        host = connection.client[0] if connection.client else ""
        connection.peer = self._peer_of(host)
        self._open.add(connection)
        self._peers[connection.peer] += 1
        if self._timer is None:
            self._timer = loop.call_later(_SWEEP_SECONDS, self._sweep, loop)
        fits = True
        if len(self._open) > self.most:
            fits = self._evict(connection, list(self._open))
        if self._peers[connection.peer] > self.limits.per_peer and not self._is_exempt(host):
            fits = fits and self._evict(connection, [each for each in self._open if each.peer == connection.peer])
        return fits

    def remove(self, connection: "BoundedProtocol") -> None:
        if connection not in self._open:
            return
        self._open.discard(connection)
        self._peers[connection.peer] -= 1
        if self._peers[connection.peer] <= 0:
            del self._peers[connection.peer]

    def answer_refusal(self, status: int) -> bytes:
        """What to write to a connection; noted where requests are."""
        correlation = self._make_id().hex
        self._note_refusal(status, correlation)
        return refusal_answer(status, correlation)

    def _evict(self, newest: "BoundedProtocol", among: "list[BoundedProtocol]") -> bool:
        """Several at a time, so that the search is not repeated for each new connection."""
        waiting = [(since, each) for each in among if each is not newest and (since := each.waiting_since) is not None]
        waiting.sort(key=lambda pair: pair[0])
        for _, connection in waiting[: max(1, len(among) // 20)]:
            connection.evict()
        return bool(waiting)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._open):
            connection.check_deadlines(now)
        self._timer = loop.call_later(_SWEEP_SECONDS, self._sweep, loop) if self._open else None


class BoundedProtocol(HttpToolsProtocol):
    """One connection. What uvicorn does is unchanged as long as the limits are kept."""

    peer = ""

    def __init__(self, *args: Any, table: ConnectionTable, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table
        self._limits = table.limits
        self._head_limit, self._fields_limit = table.limits.head_bytes, table.limits.fields
        self._reading = _HEAD
        self._since = self.loop.time()
        """Since when this side has waited for the client."""
        self._write_since: float | None = None
        self._closing_since: float | None = None
        self._head_bytes = 0
        self._field_bytes = 0
        self._body_bytes = 0
        self._discarded = 0
        self._messages = 0
        self._refusal = 0
        self._refused = False
        self._running: RequestResponseCycle | None = None
        """The request that is being answered; `cycle` is the newest, which may wait behind it."""

    # --- the transport's events

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if not self._table.add(self, self.loop):
            if len(self._table) > self._table.most + self._limits.per_peer:
                transport.abort()
            else:
                self._refuse(503)

    def connection_lost(self, exc: Exception | None) -> None:
        self._table.remove(self)
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused or self.transport.is_closing():
            self._discard(len(data))
            return
        if self._reading is _NOTHING and not self._is_answering:
            self._await_head()
        if len(data) <= _SLICE:
            self._feed(data)
        else:
            for start in range(0, len(data), _SLICE):
                self._feed(data[start : start + _SLICE])
                if self._refused or self.transport.is_closing():
                    return
        if self._reading is _NOTHING and not self._is_answering:
            # The rest of a body whose request was answered before: the connection is idle again.
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def pause_writing(self) -> None:
        self._write_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._write_since = None
        super().resume_writing()

    # --- the parser's events

    def on_message_begin(self) -> None:
        self._messages += 1
        if self._reading is not _HEAD:
            self._await_head()
        self._head_bytes = self._field_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if len(self.url) + len(url) > self._limits.url_bytes:
            self._reject(414)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._field_bytes += len(name) + len(value) + 4
        if self._field_bytes > self._head_limit or len(self.headers) >= self._fields_limit:
            self._reject(431)
        if self._reading is not _HEAD:
            return  # a trailer; the application has seen the headers already
        name = name.lower()
        value = value.rstrip(b" \t")  # the parser drops the blanks in front only
        if name == b"content-length":
            if value.isdigit() and int(value[:20]) > self._limits.request_bytes:
                self._reject(413)
        elif name == b"transfer-encoding" and value.lower() != b"chunked":
            self._reject(501)
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= _PIPELINED:
            self._reject(400)
        if self.parser.get_http_version() not in _VERSIONS:
            self._reject(505)
        if not self.url.startswith(b"/") and not _names_host(self.url, self.headers):
            self._reject(400)
        super().on_headers_complete()  # starts nothing when it cannot read the address
        self._reading = _BODY
        self._since = self.loop.time()
        self._body_bytes = 0
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False  # the parser takes no further request on this connection

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        self._reading = _NOTHING
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self._refused:
            return
        if self._reading is not _BODY:
            self._since = self.loop.time()
        super().on_response_complete()

    # --- limits

    @property
    def waiting_since(self) -> float | None:
        """Since when the client has been waited for; None while this side works on its request."""
        if self._refused or self._closing_since is not None:
            return 0.0
        if self._write_since is not None:
            return self._write_since
        if self._reading is _BODY or not self._is_answering:
            return self._since
        return None

    def check_deadlines(self, now: float) -> None:
        if self._refused:
            return
        if self.transport.is_closing():  # unsent bytes keep a closed transport open
            self._closing_since = self._closing_since or now
            if now - self._closing_since > self._limits.linger_seconds:
                self.transport.abort()
        elif self._write_since is not None:
            if now - self._write_since > self._limits.write_seconds:
                self.transport.abort()
        elif self._reading is _HEAD:
            if not self._is_answering and now - self._since > self._limits.head_seconds:
                self._refuse(408)
        elif self._reading is _BODY:
            late = now - self._since > self._limits.body_seconds
            if late and not self.flow.read_paused:  # paused: the application has not taken what came
                self._refuse(408)

    def evict(self) -> None:
        if self._refused or self.transport.is_closing():
            self.transport.abort()
        else:
            self._refuse(503)

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        self._reading = _HEAD
        self._since = self.loop.time()
        self._head_bytes = 0

    def _feed(self, data: bytes) -> None:
        reading, messages = self._reading, self._messages
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade:  # not offered here, so the request is an ordinary one
            pass
        except HttpParserError:
            self._refuse(self._refusal or 400)
        if self._refused or self.transport.is_closing() or messages != self._messages:
            return
        if reading is _HEAD and self._reading is _HEAD:
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes:
                self._refuse(431)
        elif reading is _BODY:
            self._body_bytes += len(data)
            if self._body_bytes > self._limits.request_bytes:
                self._refuse(413)

    def _reject(self, status: int) -> None:
        self._refusal = status
        raise _Refused

    def _refuse(self, status: int) -> None:
        """Answer if that is still possible, then close."""
        self._refused = True
        self._unset_keepalive_if_required()
        answering, started = self._is_answering, False
        if answering and self._running is not None:
            started = self._running.response_started and not self._running.response_complete
            self._running.disconnected = True
            self._running.message_event.set()
        self.pipeline.clear()
        if started:
            self.transport.abort()
            return
        silent = (status in (408, 503) and not self._messages) or (not answering and self._reading is not _HEAD)
        if not silent or (status == 503 and self._reading is _HEAD):
            self.transport.write(self._table.answer_refusal(status))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(self._limits.linger_seconds, self.transport.abort)

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > _DISCARDED and not self.transport.is_closing():
            self.flow.pause_reading()


def _names_host(target: bytes, headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether an absolute address names the host that the Host header does: proxies differ in which of them counts."""
    scheme, _, rest = target.partition(b"://")
    authority, slash, _ = rest.partition(b"/")
    hosts = [value.lower() for name, value in headers if name == b"host"]
    return target == b"*" or (
        scheme.lower() in {b"http", b"https"} and bool(slash) and all(host == authority.lower() for host in hosts)
    )


def bounded_protocol(table: ConnectionTable) -> type[asyncio.Protocol]:
    """What uvicorn's `http` setting takes: called for each new connection."""

    def create(**kwargs: Any) -> BoundedProtocol:
        return BoundedProtocol(**kwargs, table=table)

    return cast("type[asyncio.Protocol]", create)


def raise_file_limit(wanted: int = 8192) -> None:
    """Allow this process as many open files as connections need, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
