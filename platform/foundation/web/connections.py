"""Open connections of a listener: their limits, and eviction when there are too many."""

import asyncio
import resource
import socket
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from foundation.ids import NewId, new_id
from foundation.web.wire import refusal_answer

_SWEEP_SECONDS: Final = 1.0
_SPARE_FILES: Final = 256
_GOLDEN_RATIO: Final = 0.618034
"""The fractional parts of its multiples are spread evenly, regardless of their number."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of connections. Sizes in bytes, times in seconds. `request_bytes` bounds a body as sent, with its chunk
    framing; the application has smaller limits per route. `url_bytes` fits the longest text of a form: a character
    takes up to 12.
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


class HttpConnection(Protocol):
    peer: str
    client: tuple[str, int] | None

    @property
    def waiting_since(self) -> float | None: ...

    def evict(self) -> None: ...

    def check_deadlines(self, now: float) -> None: ...


class ConnectionTable:
    """All open connections of one listener. `is_exempt` selects the peers without a limit of their own (proxies);
    `note_refusal` takes the status and the correlation id of each response that the listener sends itself.
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
        self._open: set[HttpConnection] = set()
        self._peers: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self._moments = 0.0

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: HttpConnection, loop: asyncio.AbstractEventLoop) -> bool:
        """Register a connection. False when there is no room even after evicting connections that wait for their
        client.
        """
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

    def remove(self, connection: HttpConnection) -> None:
        if connection not in self._open:
            return
        self._open.discard(connection)
        self._peers[connection.peer] -= 1
        if self._peers[connection.peer] <= 0:
            del self._peers[connection.peer]

    def next_moment(self) -> float:
        """A number from 0 to 1, different for each caller: work for many slow clients is spread over time, because
        other clients wait for all of it that is due at once.
        """
        self._moments = (self._moments + _GOLDEN_RATIO) % 1.0
        return self._moments

    def answer_refusal(self, status: int, *, as_page: bool = False) -> bytes:
        """The raw response of a refusal, a page or a problem; recorded in the access log and metrics."""
        correlation = self._make_id().hex
        self._note_refusal(status, correlation)
        return refusal_answer(status, correlation, as_page=as_page)

    def _evict(self, newest: HttpConnection, among: list[HttpConnection]) -> bool:
        """Close the connections that have waited longest for their client. Several at a time, so that the search is not
        repeated for each new connection.
        """
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


def raise_file_limit(wanted: int = 8192) -> None:
    """Raise this process's limit of open files to `wanted`, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))


def bound_receive_buffer(listening: socket.socket, *, size: int = 64 * 1024) -> None:
    """Limit the bytes of a connection that the kernel buffers; accepted connections inherit the limit of `listening`.

    Without it the kernel grows the buffer to megabytes for a client that sends fast, and all of them are read at once
    before the request can be refused, while other clients wait. The limit is also the TCP window: a client 100 ms away
    uploads at about 0.6 MB/s.
    """
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
