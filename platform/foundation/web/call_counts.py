"""Counts of API calls in Valkey, by hour and caller: the script of the rate limits adds to them, a job stores them.

An hour is complete once Valkey's own clock is past it, so its counts are final. Calls are not counted while Valkey is
unreachable, and counts lost in Valkey before they are stored are lost.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

import redis.asyncio

HOUR: Final = timedelta(hours=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_HOURS: Final = 10**7


class CountedCalls(NamedTuple):
    """Calls of an API key in the hour that begins at `hour`. `field` names the count in Valkey."""

    field: bytes
    hour: datetime
    key_id: UUID
    calls: int


def calls_key(msp_id: UUID, tenant_id: UUID) -> str:
    """Key in Valkey of an account's counts."""
    return f"fl:{msp_id}:calls:{tenant_id}"


class CallCounts:
    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._client = client

    async def read_complete(
        self, msp_id: UUID, tenant_id: UUID, *, ahead: timedelta = timedelta(0)
    ) -> Sequence[CountedCalls]:
        """Counts of an account's complete hours. `ahead` moves the time; tests use it."""
        key = calls_key(msp_id, tenant_id)
        seconds, _ = await self._client.time()
        now = _EPOCH + timedelta(seconds=seconds) + ahead
        found = cast("dict[bytes, bytes]", await cast("Any", self._client.hgetall(key)))
        counted = [one for one in (_read(field, count) for field, count in found.items()) if one is not None]
        return sorted((one for one in counted if one.hour + HOUR <= now), key=lambda one: (one.hour, one.key_id))

    async def forget(self, msp_id: UUID, tenant_id: UUID, counted: Sequence[CountedCalls]) -> None:
        """Remove counts that are stored."""
        if counted:
            await cast("Any", self._client.hdel(calls_key(msp_id, tenant_id), *[one.field for one in counted]))


def _read(field: bytes, count: bytes) -> CountedCalls | None:
    """Parse a field of the hash; None for anything but a count."""
    hour, _, caller = field.decode(errors="replace").partition(":")
    if not (hour.isascii() and hour.isdigit() and count.isdigit() and int(hour) < _MOST_HOURS):
        return None
    try:
        return CountedCalls(field, _EPOCH + int(hour) * HOUR, UUID(caller), int(count))
    except ValueError:
        return None
