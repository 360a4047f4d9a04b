"""Rate limits of the API: a token bucket per caller and one per account, in Valkey, shared by all processes.

The rule is that of `outbound.bucket.TokenBucket`; a property test proves the script equal to it. A request takes a
token of both buckets, or of none. While Valkey is unreachable, requests pass and are counted in a metric: an outage of
a cache must not become one of the API, and the limits protect against growing use, not against attackers.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

import redis.asyncio
from prometheus_client import CollectorRegistry, Counter
from redis.exceptions import RedisError

from foundation.errors import TooManyRequests
from foundation.marks import N_
from foundation.web.call_counts import calls_key

MINUTE: Final = 60
_SECONDS_TO_ANSWER: Final = 0.5
_SECONDS_AWAY: Final = 5.0
"""Pause of the limits after a call of Valkey without a response."""

# KEYS: the buckets, and the counts of calls if the request is counted. ARGV: now in microseconds, or -1 for Valkey's
# clock; then interval and burst of each bucket; then the caller, under which the calls of an hour are counted.
# Returns: microseconds to wait, 0 if a token was taken; then of each bucket the tokens left, and microseconds until
# full.
TAKE: Final = """
local now = tonumber(ARGV[1])
if now < 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local buckets = math.floor((#ARGV - 1) / 2)
local full, wait, answer = {}, 0, {}
for i = 1, buckets do
  local key = KEYS[i]
  local interval, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local stored = tonumber(redis.call('GET', key) or '0') or 0
  full[i] = math.min(math.max(stored, now), now + interval * burst)
  wait = math.max(wait, full[i] + interval - interval * burst - now)
end
answer[1] = wait
for i = 1, buckets do
  local key = KEYS[i]
  local interval, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  if wait <= 0 then
    full[i] = full[i] + interval
    local kept = math.ceil((full[i] - now) / 1000) + 60000
    redis.call('SET', key, string.format('%.0f', full[i]), 'PX', string.format('%.0f', kept))
  end
  answer[2 * i] = math.floor((now + interval * burst - full[i]) / interval)
  answer[2 * i + 1] = full[i] - now
end
if wait <= 0 and KEYS[buckets + 1] then
  redis.call('HINCRBY', KEYS[buckets + 1], string.format('%d:%s', math.floor(now / 3600000000), ARGV[#ARGV]), 1)
end
return answer
"""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Requests per minute, of one caller and of all callers of an account. The same number may arrive at once."""

    per_caller: int
    per_account: int


DEFAULT_LIMITS: Final = RateLimits(per_caller=6_000, per_account=60_000)


@dataclass(frozen=True, slots=True)
class RateState:
    """Remaining requests of the caller and of the account, and seconds until the whole limit is available again."""

    limits: RateLimits
    caller_left: int
    caller_full_in: int
    account_left: int
    account_full_in: int

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers of draft-ietf-httpapi-ratelimit-headers-10."""
        limits = self.limits
        policy = f'"caller";q={limits.per_caller};w={MINUTE}, "account";q={limits.per_account};w={MINUTE}'
        left = (
            f'"caller";r={self.caller_left};t={self.caller_full_in},'
            f' "account";r={self.account_left};t={self.account_full_in}'
        )
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]


class RateLimited(TooManyRequests):
    code = "rate-limited"

    def __init__(self, seconds: int) -> None:
        detail = N_("There were too many requests. Try again in {seconds} seconds.")
        super().__init__(detail, params={"seconds": seconds}, retry_after=seconds)


class RateLimiter:
    def __init__(self, client: "redis.asyncio.Redis", metrics: CollectorRegistry) -> None:
        self._take = client.register_script(TAKE)
        self._away_until = 0.0
        self._passed = Counter(
            "fairlead_api_requests_not_limited", "API requests passed while Valkey was away", registry=metrics
        )
        self._refused = Counter(
            "fairlead_api_requests_limited", "API requests refused", ["tenant_id"], registry=metrics
        )

    async def take(
        self, *, msp_id: UUID, tenant_id: UUID, caller: str, limits: RateLimits, is_counted: bool = False
    ) -> tuple[RateState | None, int]:
        """Take a token of the caller and of its account. Returns the remaining requests, None while Valkey is
        unreachable, and the seconds to wait, 0 if the request may pass. With `is_counted`, a passed request is counted
        in its hour.
        """
        counts = [calls_key(msp_id, tenant_id)] if is_counted else []
        answer = await self._ask(f"fl:{msp_id}:rate:{tenant_id}", caller, limits, counts)
        if answer is None:
            self._passed.inc()
            return None, 0
        wait, caller_left, caller_full, account_left, account_full = answer
        seconds = [-(-each // 1_000_000) for each in (caller_full, account_full)]
        if wait > 0:
            self._refused.labels(str(tenant_id)).inc()
        state = RateState(limits, caller_left, seconds[0], account_left, seconds[1])
        return state, -(-wait // 1_000_000)

    async def _ask(self, prefix: str, caller: str, limits: RateLimits, counts: list[str]) -> list[int] | None:
        if time.monotonic() < self._away_until:
            return None
        buckets = [interval_and_burst(limits.per_caller), interval_and_burst(limits.per_account)]
        arguments: list[Any] = [-1, *(number for bucket in buckets for number in bucket)]
        try:
            async with asyncio.timeout(_SECONDS_TO_ANSWER):
                keys = [f"{prefix}:{caller}", prefix, *counts]
                arguments += [caller] if counts else []
                return [int(each) for each in cast("list[Any]", await self._take(keys=keys, args=arguments))]
        except (RedisError, TimeoutError, OSError):
            self._away_until = time.monotonic() + _SECONDS_AWAY
            return None


def interval_and_burst(per_minute: int) -> tuple[int, int]:
    """Microseconds until the next token, and the number of saved tokens."""
    return MINUTE * 1_000_000 // per_minute, per_minute
