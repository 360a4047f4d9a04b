"""Throttling of sign-ins after failures, with growing delays. Counters are in Valkey, under the MSP's prefix.

A known device (`tenants.auth.devices`) has its own counter and is not delayed by others. For all other clients there
are three counters:

- the pair of network and e-mail (guessing one account),
- the network (one password against many accounts),
- the e-mail from anywhere (guessing from many networks). This counter alone never delays permanently, as an attacker
could then lock the member out: each network new to the account waits once before its first attempt, and longer after
each failure. A member at a new device can sign in after that wait, regardless of other attempts.

A network is one IPv4 address, or the /64 of IPv6 that providers give to one customer. An attempt is counted before its
password is checked, and subtracted after success: concurrent attempts cannot bypass the limit.

Memory that attackers can occupy in Valkey is bounded: counters within their free failures live for an hour, and each
costs the hashing of a password; records of a first wait live for minutes.
"""

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

import redis.asyncio
from redis.exceptions import RedisError

from foundation.errors import Unavailable
from foundation.marks import N_
from tenants.auth.devices import Device
from tenants.errors import SignInThrottled


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """`free` failures cause no delay; then 1 s, 2 s, 4 s … up to `longest`. Reset after `memory` without a failure."""

    free: int
    longest: timedelta
    memory: timedelta


PAIR: Final = AttemptLimit(free=4, longest=timedelta(minutes=15), memory=timedelta(hours=24))
"""Also applies to a known device."""
NETWORK: Final = AttemptLimit(free=50, longest=timedelta(minutes=15), memory=timedelta(hours=1))
EMAIL: Final = AttemptLimit(free=20, longest=timedelta(0), memory=timedelta(hours=1))
REDIRECTS: Final = (
    AttemptLimit(free=30, longest=timedelta(minutes=1), memory=timedelta(hours=1)),
    AttemptLimit(free=200, longest=timedelta(minutes=1), memory=timedelta(hours=1)),
)
"""Uncompleted redirects to an identity provider: of a network to one provider, and of a network. They guess no secret,
but each stores a ticket, and an office shares one address. There is no limit of a provider alone: strangers could use
it up for everybody.
"""
FIRST_WAIT: Final = timedelta(seconds=30)
"""Delay of a network that is new to an account with more than EMAIL's free failures."""
_BRIEF_MEMORY: Final = timedelta(hours=1)
_V6_CUSTOMER: Final = 64

# KEYS: the primary counter (of the device, or of network and e-mail), then the network's and the e-mail's, if they
# apply.
# ARGV: now and the first wait in ms; the memory in s within free failures; free, longest in ms, memory in s of each.
# Returns the wait in ms, 0 to proceed. Stored waits are capped on reading: a clock may have been ahead.
_RESERVE = """
local now, first, brief = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function limit(i, part) return tonumber(ARGV[3 * i + part]) end
local wait = 0
for i = 1, math.min(#KEYS, 2) do
  local due = tonumber(redis.call('HGET', KEYS[i], 'due') or '0') or 0
  wait = math.max(wait, math.min(due - now, limit(i, 2)))
end
if wait > 0 then return wait end
local attacked = #KEYS == 3 and (tonumber(redis.call('HGET', KEYS[3], 'n') or '0') or 0) >= limit(3, 1)
if attacked and not redis.call('HGET', KEYS[1], 'n') and not redis.call('HGET', KEYS[1], 'due') then
  redis.call('HSET', KEYS[1], 'due', string.format('%.0f', now + first))
  redis.call('EXPIRE', KEYS[1], 10 * math.ceil(first / 1000))
  return first
end
for i, key in ipairs(KEYS) do
  local n, free, least = redis.call('HINCRBY', key, 'n', 1), limit(i, 1), 1000
  if i == 1 and attacked then free, least = 0, first end
  if i < 3 and n > free then
    local pause = math.min(limit(i, 2), least * 2 ^ math.min(n - free - 1, 30))
    redis.call('HSET', key, 'due', string.format('%.0f', now + pause))
  end
  redis.call('EXPIRE', key, n > free and limit(i, 3) or math.min(brief, limit(i, 3)))
end
return 0
"""

# KEYS: counters; the first is deleted, the others are reduced by the successful attempt and its wait.
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


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """A counted attempt, with the keys of its counters."""

    keys: tuple[str, ...]


class SignInThrottle:
    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._reserve = client.register_script(_RESERVE)
        self._release = client.register_script(_RELEASE)

    async def reserve(
        self, *, msp_id: UUID, email: str, address: str, now: datetime, device: Device | None = None
    ) -> SignInAttempt:
        """Count an attempt, before its password is checked. A known device over its limit is treated as unknown:
        failures with a copied cookie do not lock its owner out.

        Raises:
            SignInThrottled: with the time to wait; the attempt was not counted and must not be made.
        """
        if device is not None:
            own = (f"{_prefix(msp_id)}:device:{device.nonce.hex()}",)
            if await self._count(own, now) == timedelta(0):
                return SignInAttempt(own)
        keys = _keys(msp_id, email, network_of(address))
        wait = await self._count(keys, now)
        if wait > timedelta(0):
            raise SignInThrottled(wait)
        return SignInAttempt(keys)

    async def reserve_redirect(self, *, msp_id: UUID, account_id: UUID, address: str, now: datetime) -> SignInAttempt:
        """Count a redirect to an account's identity provider. `release` records that somebody signed in by it.

        Raises:
            SignInThrottled: see `reserve`.
        """
        keys = _keys(msp_id, f"redirect {account_id}", f"redirect {network_of(address)}")
        keys = keys[: len(REDIRECTS)]
        wait = await self._count(keys, now, REDIRECTS)
        if wait > timedelta(0):
            raise SignInThrottled(wait)
        return SignInAttempt(keys)

    async def release(self, attempt: SignInAttempt) -> None:
        """Record success: delete the primary counter, and subtract this attempt from the others."""
        try:
            await self._release(keys=list(attempt.keys), args=[])
        except RedisError as problem:
            raise _away() from problem

    async def _count(
        self, keys: tuple[str, ...], now: datetime, limits: Sequence[AttemptLimit] = (PAIR, NETWORK, EMAIL)
    ) -> timedelta:
        brief = round(_BRIEF_MEMORY.total_seconds())
        arguments = [_milliseconds(now.timestamp()), _milliseconds(FIRST_WAIT.total_seconds()), brief]
        for limit in limits[: len(keys)]:
            longest, memory = limit.longest.total_seconds(), limit.memory.total_seconds()
            arguments += [limit.free, _milliseconds(longest), round(memory)]
        try:
            wait = await self._reserve(keys=list(keys), args=cast("Any", arguments))
        except RedisError as problem:
            raise _away() from problem
        return timedelta(milliseconds=max(0, int(cast("int", wait))))


def network_of(address: str) -> str:
    """Counted network of an address: the address itself, or the /64 of IPv6. IPv4-mapped IPv6 counts as IPv4."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, _V6_CUSTOMER), strict=False))
    return str(ip)


def _keys(msp_id: UUID, email: str, network: str) -> tuple[str, ...]:
    def digest(value: str) -> str:
        return hashlib.sha256(value.encode()).hexdigest()[:32]

    prefix = _prefix(msp_id)
    return (
        f"{prefix}:pair:{digest(f'{email} {network}')}",
        f"{prefix}:address:{digest(network)}",
        f"{prefix}:email:{digest(email)}",
    )


def _prefix(msp_id: UUID) -> str:
    return f"fl:{msp_id}:sign-in"


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _away() -> Unavailable:
    return Unavailable(N_("Signing in is not possible at the moment. Try again in a minute."))
