"""Ready queue in Valkey: tenants whose lanes have ready jobs. It only wakes workers: losing all of it loses no job.

Weighted round robin by stride scheduling (Waldspurger & Weihl 1995): each batch moves a tenant's pass value by
1/weight, and the tenant with the smallest value is next. A tenant that was idle re-enters at the current value, so it
neither waits behind a flood nor is compensated for idling. Idle tenants cost nothing, regardless of their number.

A pool has two queues. A lane with more jobs than one prompt batch is bulk until it has had none for BULK_SECONDS: it is
scheduled in the bulk queue, whose batches are large and may have workers of their own, so that prompt batches do not
wait behind large ones. A flood that arrives in bursts does not start with prompt batches at each burst.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Any, cast
from uuid import UUID

import redis
import redis.asyncio
import structlog

_log = structlog.get_logger(__name__)
SHARED_POOL = "shared"
_PREFIX = "fl:lanes"
_BULK = ":bulk"
_BULK_FIRST = 4
"""Every fourth take checks the bulk queue first, so that many prompt batches cannot starve it."""
BULK_SECONDS = 2.0
HINT_SECONDS = 0.25
"""Time limit of a hint: a longer wait would block intake while Valkey hangs, and the relay wakes the lanes anyway."""

# Single node, so KEYS is unused. ARGV: prefix, then per tenant: "msp:tenant", n, lane…
_WAKE = """
local prefix, i, woken = ARGV[1], 2, 0
local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
while i <= #ARGV do
  local tenant, n = ARGV[i], tonumber(ARGV[i + 1])
  local pool = redis.call('HGET', prefix .. ':pins', tenant) or 'shared'
  local bulk = redis.call('ZRANGEBYSCORE', prefix .. ':bulk:' .. tenant, now_ms, '+inf')
  local place = redis.call('INCR', prefix .. ':place')
  local lanes = redis.call('SPOP', prefix .. ':capped:' .. tenant, 1000)
  for k = i + 2, i + 1 + n do
    lanes[#lanes + 1] = ARGV[k]
  end
  local wanted = {}
  for _, lane in ipairs(lanes) do
    local ring = pool
    for _, name in ipairs(bulk) do
      if name == lane then ring = pool .. ':bulk' end
    end
    redis.call('ZADD', prefix .. ':ready:' .. ring .. ':' .. tenant, 'NX', place, lane)
    wanted[ring] = true
  end
  for ring, _ in pairs(wanted) do
    if not redis.call('ZSCORE', prefix .. ':ring:' .. ring, tenant) then
      local now = tonumber(redis.call('HGET', prefix .. ':now', ring) or '0')
      local own = tonumber(redis.call('HGET', prefix .. ':own:' .. ring, tenant) or '0')
      redis.call('ZADD', prefix .. ':ring:' .. ring, math.max(now, own), tenant)
      woken = woken + 1
    end
  end
  i = i + 2 + n
end
return woken
"""

# The tenant was popped at `place`: take its oldest ready lane, advance its place, re-add it if more lanes are ready.
_TAKE = """
local prefix, ring, tenant, place = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
redis.call('HSET', prefix .. ':now', ring, place)
local ready = prefix .. ':ready:' .. ring .. ':' .. tenant
local lane = redis.call('ZPOPMIN', ready)
local weight = tonumber(redis.call('HGET', prefix .. ':weights', tenant) or '1')
local own = place + 1 / weight
if redis.call('EXISTS', ready) == 1 then
  redis.call('ZADD', prefix .. ':ring:' .. ring, own, tenant)
  redis.call('HDEL', prefix .. ':own:' .. ring, tenant)
else
  redis.call('HSET', prefix .. ':own:' .. ring, tenant, own)
end
return lane[1] or ''
"""


# Each mark removes expired ones; the key expires when no mark was set for `for_ms`.
_MARK = """
local clock = redis.call('TIME')
local now_ms, for_ms = clock[1] * 1000 + math.floor(clock[2] / 1000), tonumber(ARGV[3]) * 1000
redis.call('ZREMRANGEBYSCORE', ARGV[1], '-inf', now_ms)
redis.call('ZADD', ARGV[1], now_ms + for_ms, ARGV[2])
redis.call('PEXPIRE', ARGV[1], for_ms)
"""


class LaneClass(StrEnum):
    """The queues of its pool that a worker serves."""

    ALL = "all"
    PROMPT = "prompt"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class LaneTicket:
    """A hint that a lane may have ready jobs."""

    msp_id: UUID
    tenant_id: UUID
    lane: str
    bulk: bool


def _member(msp_id: UUID, tenant_id: UUID) -> str:
    return f"{msp_id}:{tenant_id}"


def _arguments(hints: dict[tuple[UUID, UUID], set[str]]) -> list[str]:
    arguments: list[str] = []
    for (msp_id, tenant_id), lanes in hints.items():
        arguments += [_member(msp_id, tenant_id), str(len(lanes)), *sorted(lanes)]
    return arguments


class ReadyQueue:
    """Asynchronous writer of the ready queue."""

    def __init__(
        self, client: "redis.asyncio.Redis", *, time_limit: float = HINT_SECONDS, bulk_seconds: float = BULK_SECONDS
    ) -> None:
        """`time_limit`: time limit of a hint, in seconds. `bulk_seconds`: lifetime of a bulk mark."""
        self._client = client
        self._time_limit = time_limit
        self._bulk_seconds = bulk_seconds
        self._script = client.register_script(_WAKE)
        self._mark = client.register_script(_MARK)

    async def hint(self, hints: dict[tuple[UUID, UUID], set[str]]) -> None:
        """Wake lanes after a commit. A failure is only logged: the jobs are durable and the relay wakes the lanes."""
        async with self._hinting():
            await self.wake(hints)

    async def wake(self, hints: dict[tuple[UUID, UUID], set[str]]) -> None:
        """Wake lanes. Raises `redis.RedisError`; callers after a commit use `hint` and rely on the relay."""
        if hints:
            await self._script(keys=[], args=[_PREFIX, *_arguments(hints)])

    async def record_capped(self, msp_id: UUID, tenant_id: UUID, lane: str) -> None:
        """Record that the tenant is at its cap, so that the lane is woken when another of its lanes finishes.

        A lost record is recovered by the relay.
        """
        key = f"{_PREFIX}:capped:{_member(msp_id, tenant_id)}"
        async with self._hinting():
            await cast("Any", self._client.sadd(key, lane))

    async def mark_bulk(self, msp_id: UUID, tenant_id: UUID, lane: str) -> None:
        """Schedule the lane in the bulk queue for `bulk_seconds` from now. Lost marks are set again."""
        async with self._hinting():
            marks = f"{_PREFIX}:bulk:{_member(msp_id, tenant_id)}"
            await self._mark(keys=[], args=[marks, lane, self._bulk_seconds])

    async def set_shares(self, shares: Iterable[tuple[UUID, UUID, str, int]]) -> None:
        """Replace the pools and weights: (msp, tenant, pool, weight) of every tenant that differs from the default."""
        pins: dict[str, str] = {}
        weights: dict[str, int] = {}
        for msp_id, tenant_id, pool, weight in shares:
            if pool != SHARED_POOL:
                pins[_member(msp_id, tenant_id)] = pool
            if weight != 1:
                weights[_member(msp_id, tenant_id)] = weight
        pipe = self._client.pipeline(transaction=True)
        for name, mapping in (("pins", pins), ("weights", weights)):
            pipe.delete(f"{_PREFIX}:{name}")
            if mapping:
                pipe.hset(f"{_PREFIX}:{name}", mapping=cast("dict[Any, Any]", mapping))
        await pipe.execute()

    @asynccontextmanager
    async def _hinting(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._time_limit):
                yield
        except (redis.RedisError, TimeoutError) as error:
            _log.warning("ready_queue.away", error=str(error) or f"no answer within {self._time_limit} s")


class ReadyQueueReader:
    """Blocking reader of the ready queue, for a consumer's thread. It does not poll: the wait ends when a lane is
    woken.
    """

    def __init__(self, client: "redis.Redis", lane_class: LaneClass = LaneClass.ALL) -> None:
        self._client = client
        self._lane_class = lane_class
        self._script = client.register_script(_TAKE)
        self._taken = count(1)

    def take(self, pool: str, timeout: float) -> LaneTicket | None:
        """The next lane in the round robin, or None after `timeout` seconds.

        Raises:
            redis.RedisError: Valkey is unreachable.
        """
        popped = cast("Any", self._client.bzpopmin(self._queues(pool), timeout=timeout))
        if popped is None:
            return None
        key, member, place = popped
        ring = key.decode().removeprefix(f"{_PREFIX}:ring:")
        try:
            tenant = member.decode()
            msp_id, tenant_id = map(UUID, tenant.split(":"))
        except ValueError:  # written by another client of this Valkey; a foreign member must not end the consumer
            _log.warning("ready_queue.foreign_member", queue=ring)
            return None
        lane = cast("Any", self._script(keys=[], args=[_PREFIX, ring, tenant, repr(float(place))]))
        if not lane:
            return None
        return LaneTicket(msp_id, tenant_id, lane.decode("utf-8", "replace"), ring.endswith(_BULK))

    def _queues(self, pool: str) -> list[str]:
        """Keys of the queues, in the order they are checked."""
        prompt, bulk = f"{_PREFIX}:ring:{pool}", f"{_PREFIX}:ring:{pool}{_BULK}"
        if self._lane_class is LaneClass.ALL:
            return [bulk, prompt] if next(self._taken) % _BULK_FIRST == 0 else [prompt, bulk]
        return [bulk] if self._lane_class is LaneClass.BULK else [prompt]
