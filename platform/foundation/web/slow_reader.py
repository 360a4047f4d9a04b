"""Reading of a connection whose client sends a few bytes at a time: only once in one to two seconds.

Each such client is read at a different moment: the bytes of many would be parsed all at once otherwise, while other
clients wait.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from uvicorn.protocols.http.flow_control import FlowControl

SMALL_READ: Final = 64
"""A read of fewer bytes is a small one."""
_SLOW_SECONDS: Final = 0.5
"""Small reads count as slow from this time after the request began."""
_PAUSE_SECONDS: Final = 1.0


class SlowReader:
    """Pauses the reading of one connection. `next_moment` returns a number from 0 to 1, different at each call."""

    def __init__(self, loop: asyncio.AbstractEventLoop, next_moment: Callable[[], float]) -> None:
        self._loop = loop
        self._next_moment = next_moment
        self._small_reads = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_paused(self) -> bool:
        return self._timer is not None

    def begin_request(self) -> None:
        self._small_reads = 0

    def count_small_read(self, flow: FlowControl, transport: asyncio.BaseTransport, *, since: float) -> None:
        """Pause from the second small read of a request that began at `since`, in the loop's time."""
        self._small_reads += 1
        if self._small_reads > 1 and self._loop.time() - since > _SLOW_SECONDS and not flow.read_paused:
            flow.pause_reading()
            self._timer = self._loop.call_later(_PAUSE_SECONDS + self._next_moment(), self._read_again, flow, transport)

    def end_pause(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _read_again(self, flow: FlowControl, transport: asyncio.BaseTransport) -> None:
        self._timer = None
        if not transport.is_closing():
            flow.resume_reading()
