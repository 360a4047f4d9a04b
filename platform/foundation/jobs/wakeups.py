"""Background wake-ups of lanes, for callers that must not wait for Valkey."""

import asyncio
import contextlib

import structlog

from foundation.database.engine import Hints, WakeLanes

_log = structlog.get_logger(__name__)


class Waker:
    """Single-flight background task: lanes added during a call go into the next one. Never raises: the relay wakes
    missed lanes.
    """

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
            except Exception:  # noqa: BLE001 - the jobs are durable; the relay wakes their lanes
                _log.exception("ready_queue.wake_failed")
