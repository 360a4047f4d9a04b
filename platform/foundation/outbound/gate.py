"""Admission control of calls per credential. Shared by all workers in Valkey; per process while Valkey is unreachable.

Without Valkey, a process applies the same rules to its own calls: not fail-open, because a crowd of retries is worst
when much is failing at once, and not fail-closed, because Valkey's outage would then stop every channel.
"""

import asyncio
import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, cast
from uuid import UUID

import redis
import redis.asyncio

from foundation.clock import Clock
from foundation.outbound import messages
from foundation.outbound.breaker import MICROSECONDS, Breaker, CallResult
from foundation.outbound.bucket import TokenBucket
from foundation.outbound.budget import AttemptKind, Budget
from foundation.outbound.errors import OutboundHeld, OutboundThrottled, RetriesSpent
from foundation.outbound.scripts import ADMIT, SETTLE
from foundation.outbound.settings import OutboundSettings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST_CREDENTIALS = 4096
_THROTTLED, _OPEN, _SPENT = 1, 2, 3
_VALKEY_TIME = -1


class RateLimit(NamedTuple):
    """Rate limit: `rate` tokens per second, `burst` at once."""

    rate: float
    burst: int

    @property
    def interval(self) -> int:
        return max(1, round(MICROSECONDS / self.rate))


class Credential(NamedTuple):
    """The credential whose limits apply. `id` is unique within the tenant."""

    tenant_id: UUID
    id: str
    limit: RateLimit

    @property
    def key(self) -> str:
        return f"fl:out:{self.tenant_id}:{self.id}"


class Admission(NamedTuple):
    """Permission to send after `wait` seconds. With `report` even a success must be passed to `settle`."""

    wait: float
    generation: int
    report: bool
    shared: bool


class LocalGate:
    """Admission control within this process, by the same rules."""

    def __init__(self, settings: OutboundSettings) -> None:
        self._settings = settings
        self._states: OrderedDict[str, tuple[TokenBucket, Breaker, Budget]] = OrderedDict()

    def admit(
        self, credential: Credential, now: int, attempt: AttemptKind = AttemptKind.FIRST
    ) -> tuple[int, int, int, int, int]:
        """Admit a call, with the result of the script `ADMIT`."""
        bucket, breaker, budget = self._state(credential.key)
        limit = credential.limit
        blocked = breaker.blocked_for(now)
        if blocked:
            return _OPEN, blocked, breaker.generation, 0, breaker.streak
        spent = budget.wait(now, self._settings.retries)
        if attempt is AttemptKind.AGAIN and spent > 0:
            return _SPENT, spent, breaker.generation, 0, breaker.streak
        wait = bucket.wait(now, interval=limit.interval, burst=limit.burst)
        if wait > int(self._settings.max_wait_seconds * MICROSECONDS):
            return _THROTTLED, wait, breaker.generation, 0, breaker.streak
        wait = max(wait, 0)
        bucket.take(now, interval=limit.interval)
        budget.note(now, attempt, self._settings.retries)
        probe_ends = now + wait + int(self._settings.total_seconds * MICROSECONDS)
        probe = breaker.admit(now, probe_ends=probe_ends, settings=self._settings.breaker)
        return 0, wait, breaker.generation, int(probe), breaker.streak

    def settle(self, credential: Credential, now: int, generation: int | None, result: CallResult, hold: int) -> None:
        """Record a result. `generation` None: admitted elsewhere, so the result counts as of now."""
        bucket, breaker, _ = self._state(credential.key)
        if hold > 0:
            bucket.drain(now + hold, interval=credential.limit.interval, burst=credential.limit.burst)
        if generation is None or generation == breaker.generation:
            breaker.settle(now, result, self._settings.breaker)

    def _state(self, key: str) -> tuple[TokenBucket, Breaker, Budget]:
        state = self._states.setdefault(key, (TokenBucket(), Breaker(), Budget()))
        self._states.move_to_end(key)
        if len(self._states) > _MOST_CREDENTIALS:
            self._states.popitem(last=False)
        return state


class Gate:
    def __init__(self, settings: OutboundSettings, valkey: "redis.asyncio.Redis | None", clock: Clock) -> None:
        self._settings = settings
        self._local = LocalGate(settings)
        self._clock = clock
        self._admit = None if valkey is None else valkey.register_script(ADMIT)
        self._settle = None if valkey is None else valkey.register_script(SETTLE)
        self._resting_until = 0.0
        self._paused_until: OrderedDict[str, float] = OrderedDict()

    async def admit(self, credential: Credential, attempt: AttemptKind = AttemptKind.FIRST) -> Admission:
        """Take a token.

        Raises:
            OutboundThrottled: the next token is further away than a call may wait.
            RetriesSpent: the call is a retry, and the retry budget is used up.
            OutboundHeld: the breaker is open, or another call is probing.
        """
        retries = self._settings.retries
        shared = await self._run_script(
            self._admit,
            credential,
            int(self._settings.max_wait_seconds * MICROSECONDS),
            int(self._settings.total_seconds * MICROSECONDS),
            int(attempt),
            retries.interval,
            retries.saved,
            retries.earned,
        )
        answer = shared or self._local.admit(credential, self._now(), attempt)
        status, wait, generation, probe, streak = answer
        seconds = wait / MICROSECONDS
        if status == _THROTTLED:
            raise OutboundThrottled(messages.RATE_USED_UP.write(), retry_after=seconds)
        if status == _OPEN:
            raise OutboundHeld(
                messages.LEFT_ALONE.write(),
                retry_after=seconds,
            )
        if status == _SPENT:
            raise RetriesSpent(
                messages.RETRIES_SPENT.write(),
                retry_after=seconds,
            )
        return Admission(seconds, generation, bool(probe or streak), shared is not None)

    async def settle(self, credential: Credential, admission: Admission, result: CallResult, *, hold: float) -> None:
        """Record the result. `hold`: seconds for which the other system requested no further calls with this
        credential.
        """
        hold = min(hold, self._settings.max_hold_seconds)
        hold_us = int(hold * MICROSECONDS)
        if hold:
            self._record_pause(credential.key, hold)
        breaker = self._settings.breaker
        if admission.shared:
            settled = await self._run_script(
                self._settle,
                credential,
                admission.generation,
                int(result),
                hold_us,
                breaker.failures,
                breaker.error_ratio,
                breaker.min_calls,
                int(breaker.open_seconds * MICROSECONDS),
                int(breaker.max_open_seconds * MICROSECONDS),
            )
            if settled is not None:
                return
        generation = None if admission.shared else admission.generation
        self._local.settle(credential, self._now(), generation, result, hold_us)

    def paused_for(self, credential: Credential) -> float:
        """Seconds left of a pause requested from this process; for calls that already have a token."""
        return max(self._paused_until.get(credential.key, 0.0) - time.monotonic(), 0.0)

    def _record_pause(self, key: str, hold: float) -> None:
        self._paused_until[key] = time.monotonic() + hold
        self._paused_until.move_to_end(key)
        if len(self._paused_until) > _MOST_CREDENTIALS:
            self._paused_until.popitem(last=False)

    async def _run_script(
        self, script: "redis.commands.core.AsyncScript | None", credential: Credential, *rest: float
    ) -> list[int] | None:
        """Run a script in Valkey. None when Valkey is unreachable."""
        if script is None or time.monotonic() < self._resting_until:
            return None
        now = self._now() if self._settings.clock_decides else _VALKEY_TIME
        window = int(self._settings.breaker.window_seconds * MICROSECONDS)
        try:
            async with asyncio.timeout(self._settings.valkey_seconds):
                limit = credential.limit
                answer = await script(keys=[credential.key], args=[now, limit.interval, limit.burst, window, *rest])
        except (redis.RedisError, OSError, TimeoutError):
            self._resting_until = time.monotonic() + self._settings.valkey_rest_seconds
            return None
        return cast("list[int]", answer)

    def _now(self) -> int:
        return (self._clock() - _EPOCH) // _MICROSECOND
