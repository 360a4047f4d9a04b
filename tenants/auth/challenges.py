"""Challenges of passkeys: random, dated, and authenticated by themselves, so that showing a page stores nothing.

A challenge is used once: the first use is noted in Valkey, until the challenge expires.
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import redis.asyncio
from redis.exceptions import RedisError

from foundation.errors import Unavailable
from foundation.marks import N_
from tenants.secrets import NewSecret

LIFE: Final = timedelta(minutes=10)
_NONCE_BYTES: Final = 16
_TIME_BYTES: Final = 8
_MAC_BYTES: Final = 32
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTH: Final = _NONCE_BYTES + _TIME_BYTES + _MAC_BYTES


class Challenges:
    def __init__(self, client: "redis.asyncio.Redis", new_secret: NewSecret, key: bytes = b"") -> None:
        """`key` is shared by all web processes. Without one, challenges are valid in this process only."""
        self._client = client
        self._new_secret = new_secret
        self._key = hmac.new(key or secrets.token_bytes(_MAC_BYTES), b"challenge", hashlib.sha256).digest()

    def issue(self, msp_id: UUID, purpose: str, *, now: datetime) -> bytes:
        microseconds = (now - _EPOCH) // timedelta(microseconds=1)
        body = self._new_secret(_NONCE_BYTES) + microseconds.to_bytes(_TIME_BYTES, "big")
        return body + self._mac(msp_id, purpose, body)

    def is_live(self, challenge: bytes, msp_id: UUID, purpose: str, *, now: datetime) -> bool:
        """Whether the challenge was issued for this purpose on a host of this MSP, and has not expired."""
        body, mac = challenge[:-_MAC_BYTES], challenge[-_MAC_BYTES:]
        if len(challenge) != _LENGTH or not hmac.compare_digest(mac, self._mac(msp_id, purpose, body)):
            return False
        begun = _EPOCH + timedelta(microseconds=int.from_bytes(body[_NONCE_BYTES:], "big"))
        return timedelta(0) <= now - begun < LIFE

    async def spend(self, challenge: bytes, msp_id: UUID) -> bool:
        """Note the use. False if the challenge was used before."""
        key = f"fl:{msp_id}:sign-in:challenge:{hashlib.sha256(challenge).hexdigest()}"
        try:
            return bool(await self._client.set(key, b"1", ex=LIFE, nx=True))
        except RedisError as problem:
            raise Unavailable(N_("Signing in is not possible at the moment. Try again in a minute.")) from problem

    def _mac(self, msp_id: UUID, purpose: str, body: bytes) -> bytes:
        return hmac.new(self._key, purpose.encode() + b"\0" + msp_id.bytes + body, hashlib.sha256).digest()
