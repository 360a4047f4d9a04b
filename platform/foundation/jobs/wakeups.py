"""Rings lanes beside the caller's own work, for callers that may not wait for Valkey."""

import asyncio
import contextlib

import structlog

from foundation.database.engine import Hints, RingBell

_log = structlog.get_logger(__name__)


class Bell:
    """One ring at a time; what gathers meanwhile is the next one. Never raises: the relay finds what was not rung."""

    def __init__(self, ring: RingBell) -> None:
        self._ring = ring
        self._hints: Hints = {}
        self._ringing: asyncio.Task[None] | None = None

    def ring_soon(self, hints: Hints) -> None:
        for owner, lanes in hints.items():
            self._hints.setdefault(owner, set()).update(lanes)
        if self._hints and (self._ringing is None or self._ringing.done()):
            self._ringing = asyncio.create_task(self._ring_all())

    async def close(self) -> None:
        if self._ringing is not None:
            self._ringing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ringing

    async def _ring_all(self) -> None:
        while self._hints:
            hints, self._hints = self._hints, {}
            try:
                await self._ring(hints)
            except Exception:  # noqa: BLE001 - the work is durable; the relay rings it
                _log.exception("ring.failed")
