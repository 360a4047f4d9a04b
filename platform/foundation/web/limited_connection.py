"""State of one HTTP/1.1 connection with its limits: deadlines, eviction, and refusals."""

from enum import Enum
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from foundation.web.connections import ConnectionTable
from foundation.web.request_head import wants_page
from foundation.web.slow_reader import SlowReader

_DISCARDED: Final = 64 * 1024
"""Bytes that a refused client may still send before reading stops; closing at once would reset the connection and could
lose the response.
"""


class ReadState(Enum):
    NOTHING = 0
    HEAD = 1
    BODY = 2


NOTHING, HEAD, BODY = ReadState
"""Globals, because they are read for each header: an Enum's class attribute costs more."""


class LimitedConnection(HttpToolsProtocol):
    """uvicorn's protocol with deadlines and refusals. `foundation.web.listener` parses within these limits."""

    peer = ""

    def __init__(self, *args: Any, table: ConnectionTable, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url, self.headers = b"", []  # a connection may be refused before its first request
        self._table = table
        self._limits = table.limits
        self._head_limit, self._fields_limit = table.limits.head_bytes, table.limits.fields
        self._reading = HEAD
        self._since = self.loop.time()
        """Time since which this side waits for the client, on the loop's clock."""
        self._write_since: float | None = None
        self._closing_since: float | None = None
        self._is_fresh = True
        """No byte of this request has been parsed yet."""
        self._head_bytes = 0
        self._field_bytes = 0
        self._body_bytes = 0
        self._discarded = 0
        self._messages = 0
        self._refusal = 0
        self._refused = False
        self._due = 0
        """Status of the refusal to send after the responses to earlier requests."""
        self._unread = b""
        """Bytes received beyond `_PIPELINED` requests."""
        self._incoming = b""
        """The bytes being parsed: a request may be refused before its headers are parsed."""
        self._line = b""
        """The beginning of a request line whose end has not arrived."""
        self._slow = SlowReader(self.loop, table.next_moment)
        self._is_started = True
        """Whether the newest request is passed to the application, or will be after earlier ones. A request is passed
        when its body is complete or `_BODY_PIECE` long: a client that sends no body costs no work.
        """
        self._running: RequestResponseCycle | None = None
        """The request that is being served; `cycle` is the newest, which may wait behind it."""

    @property
    def waiting_since(self) -> float | None:
        """Time since which the connection waits for the client; None while this side works on its request."""
        if self._refused or self._closing_since is not None:
            return 0.0
        if self._write_since is not None:
            return self._write_since
        if (self._reading is BODY and not self._due) or not self._is_answering:
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
        elif self._reading is HEAD:
            if not self._is_answering and now - self._since > self._limits.head_seconds:
                self._refuse(408)
        elif self._reading is BODY:
            late = now - self._since > self._limits.body_seconds
            is_consuming = self.flow.read_paused and not self._slow.is_paused  # of bytes that were received
            if late and not (is_consuming or self._due):
                self._refuse(408)

    def evict(self) -> None:
        if self._refused or self._owes_answers or self.transport.is_closing():
            self.transport.abort()
        else:
            self._refuse(503)

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        self._reading = HEAD
        self._since = self.loop.time()
        self._head_bytes = 0
        self._is_fresh = True

    @property
    def _owes_answers(self) -> bool:
        """Whether responses to requests before the current one are outstanding."""
        return bool(self.pipeline) or (self._is_answering and self._reading is not BODY)

    def _refuse(self, status: int) -> None:
        """Send a refusal after the outstanding responses, if still possible, then close."""
        if self._owes_answers:
            self._due = status
            self._unread = b""
            if self._reading is BODY:
                self.pipeline.popleft()
            return
        answering = self._is_answering
        silent = (status in (408, 503) and not self._messages) or (not answering and self._reading is not HEAD)
        self._end(status, silent=silent and not (status == 503 and self._reading is HEAD))

    def _end(self, status: int, *, silent: bool) -> None:
        self._refused = True
        self._unset_keepalive_if_required()
        if self._is_answering and self._running is not None and not self._due:
            started = self._running.response_started and not self._running.response_complete
            self._running.disconnected = True
            self._running.message_event.set()
            if started:
                self.transport.abort()
                return
        if not silent:
            self.transport.write(self._table.answer_refusal(status, as_page=self._wants_page()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(self._limits.linger_seconds * (1 + self._table.next_moment()), self.transport.abort)

    def _wants_page(self) -> bool:
        """Whether to answer with a page, according to the bytes received so far."""
        return wants_page(self.url, self.headers, self._incoming)

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > _DISCARDED and not self.transport.is_closing():
            self.flow.pause_reading()
