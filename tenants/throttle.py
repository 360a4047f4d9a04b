"""Failed sign-ins make the next one wait, longer each time. Counted in Valkey, under the MSP's prefix.

Counted are the pair of address and e-mail (guessing one account), the e-mail from anywhere (guessing from many
addresses; waits stay short, so that nobody can lock another person out) and the address (one password against many
accounts). An attempt is counted before its password is checked and taken back when that was right: many attempts at
the same moment cannot slip through together.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

import redis.asyncio
from redis.exceptions import RedisError

from foundation.errors import Unavailable
from tenants.errors import SignInThrottled


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` failures cost nothing; then 1 s, 2 s, 4 s … up to `longest`. Forgotten after `memory` without one."""

    free: int
    longest: timedelta
    memory: timedelta


PAIR: Final = Limit(free=4, longest=timedelta(minutes=15), memory=timedelta(hours=24))
EMAIL: Final = Limit(free=20, longest=timedelta(seconds=30), memory=timedelta(hours=1))
ADDRESS: Final = Limit(free=50, longest=timedelta(minutes=15), memory=timedelta(hours=1))

# KEYS: counters. ARGV: now in ms, then free, longest in ms, memory in s of each. Answers the wait in ms, 0 to go ahead.
_RESERVE = """
local now, wait = tonumber(ARGV[1]), 0
for i, key in ipairs(KEYS) do
  local due = tonumber(redis.call('HGET', key, 'due') or '0') or 0
  wait = math.max(wait, math.min(due - now, tonumber(ARGV[3 * i])))
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  local free, longest, memory = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local n = redis.call('HINCRBY', key, 'n', 1)
  if n > free then
    local pause = math.min(longest, 1000 * 2 ^ math.min(n - free - 1, 30))
    redis.call('HSET', key, 'due', string.format('%.0f', now + pause))
  end
  redis.call('EXPIRE', key, memory)
end
return 0
"""

# KEYS: counters; the first is forgotten, the others lose the one attempt that turned out right, with its wait.
_RELEASE = """
redis.call('DEL', KEYS[1])
for i = 2, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then
    if redis.call('HINCRBY', KEYS[i], 'n', -1) <= 0 then redis.call('DEL', KEYS[i])
    else redis.call('HDEL', KEYS[i], 'due') end
  end
end
return 0
"""


class SignInThrottle:
    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._reserve = client.register_script(_RESERVE)
        self._release = client.register_script(_RELEASE)

    async def reserve(self, *, msp_id: UUID, email: str, address: str, now: datetime) -> None:
        """Count an attempt, before its password is looked at.

        Raises:
            SignInThrottled: with the time to wait; the attempt was not counted and must not be made.
        """
        arguments: list[str] = [str(_milliseconds(now.timestamp()))]
        for limit in (PAIR, EMAIL, ADDRESS):
            longest, memory = limit.longest.total_seconds(), limit.memory.total_seconds()
            arguments += [str(limit.free), str(_milliseconds(longest)), str(round(memory))]
        try:
            wait = await self._reserve(keys=_keys(msp_id, email, address), args=cast("Any", arguments))
        except RedisError as problem:
            raise _away() from problem
        if int(cast("int", wait)) > 0:
            raise SignInThrottled(timedelta(milliseconds=int(cast("int", wait))))

    async def release(self, *, msp_id: UUID, email: str, address: str) -> None:
        """The password was right: forget the pair's failures, and take this attempt back from the others."""
        try:
            await self._release(keys=_keys(msp_id, email, address), args=[])
        except RedisError as problem:
            raise _away() from problem


def _keys(msp_id: UUID, email: str, address: str) -> list[str]:
    def digest(value: str) -> str:
        return hashlib.sha256(value.encode()).hexdigest()[:32]

    prefix = f"fl:{msp_id}:sign-in"
    return [
        f"{prefix}:pair:{digest(f'{email} {address}')}",
        f"{prefix}:email:{digest(email)}",
        f"{prefix}:address:{digest(address)}",
    ]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _away() -> Unavailable:
    return Unavailable("Signing in is not possible at the moment. Try again in a minute.")
