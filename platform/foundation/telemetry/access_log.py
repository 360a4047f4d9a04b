"""Access log: one line per request. Lines are buffered and written together, because a system call per request costs
more than the rest.

Lines of the last moment before a kill -9 are lost; nothing depends on them.
"""

import asyncio
import sys
import time
from typing import BinaryIO, NamedTuple

import msgspec

_FLUSH_SECONDS = 0.25
_FLUSH_LINES = 500
_encoder = msgspec.json.Encoder()


class AccessLogEntry(NamedTuple):
    method: str
    route: str
    status: int
    seconds: float
    correlation: str
    caller_correlation: str = ""


class AccessLog:
    """Buffered access log. `json` as for the other log lines. Routes are templates and queries are omitted: both may
    contain secrets.
    """

    def __init__(self, *, json: bool, output: BinaryIO | None = None) -> None:
        self._format = _json_line if json else _console_line
        self._output = output or sys.stdout.buffer
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def write(self, access: AccessLogEntry) -> None:
        self._lines.append(self._format(access))
        if len(self._lines) >= _FLUSH_LINES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            self._output.write(b"".join(self._lines))
            self._output.flush()
            self._lines.clear()


def _json_line(access: AccessLogEntry) -> bytes:
    line = {
        "at": time.time(),
        "level": "info",
        "event": "request",
        "method": access.method,
        "route": access.route,
        "status": access.status,
        "ms": round(access.seconds * 1000, 3),
        "correlation": access.correlation,
    }
    if access.caller_correlation:
        line["caller_correlation"] = access.caller_correlation
    return _encoder.encode(line) + b"\n"


def _console_line(access: AccessLogEntry) -> bytes:
    return (
        f"{access.status} {access.method:<6} {access.route} {access.seconds * 1000:.1f} ms {access.correlation}\n"
    ).encode()
