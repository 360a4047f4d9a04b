"""Rings lanes beside the caller's own work, for callers that may not wait for Valkey."""

import asyncio
import contextlib

import structlog

from foundation.database.engine import Hints, WakeLanes

_log = structlog.get_logger(__name__)


class Waker:
    """One ring at a time; what gathers meanwhile is the next one. Never raises: the relay finds what was not rung."""

    def __init__(self, wake: WakeLanes) -> None:
        self._wake = wake
        self._hints: Hints = {}
        self._waking: asyncio.Task[None] | None = None

    def wake_soon(self, hints: Hints) -> None:
        for owner, lanes in hints.items():
            self._hints.setdefault(owner, set()).update(lanes)
        if self._hints and (self._waking is None or self._waking.done()):
            self._waking = asyncio.create_task(self._wake_all())

    async def close(self) -> None:
        if self._waking is not None:
            self._waking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._waking

    async def _wake_all(self) -> None:
        while self._hints:
            hints, self._hints = self._hints, {}
            try:
                await self._wake(hints)
            except Exception:  # noqa: BLE001 - the work is durable; the relay rings it
                _log.exception("ring.failed")
