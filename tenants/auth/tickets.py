"""Tickets: short-lived records in Valkey of a process that began in a browser, such as a sign-in that needs a second
step.

The browser holds 256 random bits; the store has their SHA-256 and a MAC, as for sessions. A ticket belongs to the MSP
of one host and to one purpose.
"""

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

from foundation.decoding import decode_json
from foundation.errors import Unavailable
from foundation.marks import N_
from tenants.secrets import NewSecret, bytes_of, text_of

LIFE: Final = timedelta(minutes=10)
_SECRET_BYTES: Final = 32
_MAC_BYTES: Final = 32
T = TypeVar("T", bound=msgspec.Struct)


class TicketStore:
    def __init__(self, client: "redis.asyncio.Redis", new_secret: NewSecret, key: bytes = b"") -> None:
        """`key` is shared by all web processes. Without one, tickets are valid in this process only."""
        self._client = client
        self._new_secret = new_secret
        self._key = hmac.new(key or secrets.token_bytes(_MAC_BYTES), b"ticket", hashlib.sha256).digest()

    async def issue(self, msp_id: UUID, purpose: str, content: msgspec.Struct) -> str:
        """The ticket's text, for a cookie or a hidden field."""
        secret = self._new_secret(_SECRET_BYTES)
        key, body = _key(msp_id, purpose, secret), msgspec.json.encode(content)
        await self._run(self._client.set(key, self._mac(key, body) + body, ex=LIFE))
        return text_of(secret)

    async def find(self, msp_id: UUID, purpose: str, text: str, kind: type[T]) -> T | None:
        """The content of a live ticket."""
        return await self._read(msp_id, purpose, text, kind, take=False)

    async def take(self, msp_id: UUID, purpose: str, text: str, kind: type[T]) -> T | None:
        """As `find`, and the ticket ends: of two takers, one gets it."""
        return await self._read(msp_id, purpose, text, kind, take=True)

    async def _read(self, msp_id: UUID, purpose: str, text: str, kind: type[T], *, take: bool) -> T | None:
        secret = bytes_of(text, _SECRET_BYTES)
        if secret is None:
            return None
        key = _key(msp_id, purpose, secret)
        stored = await self._run(self._client.getdel(key) if take else self._client.get(key))
        if stored is None:
            return None
        mac, body = stored[:_MAC_BYTES], stored[_MAC_BYTES:]
        return decode_json(body, type=kind) if hmac.compare_digest(mac, self._mac(key, body)) else None

    def _mac(self, key: str, body: bytes) -> bytes:
        return hmac.new(self._key, key.encode() + b"\0" + body, hashlib.sha256).digest()

    async def _run(self, command: Any) -> Any:
        try:
            return await command
        except RedisError as problem:
            raise Unavailable(N_("Signing in is not possible at the moment. Try again in a minute.")) from problem


def _key(msp_id: UUID, purpose: str, secret: bytes) -> str:
    return f"fl:{msp_id}:sign-in:ticket:{purpose}:{hashlib.sha256(secret).hexdigest()}"
