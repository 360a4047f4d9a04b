"""Whose connection an address is, and the secrets that verify its deliveries. Looked up before any tenant is known."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from uuid import UUID

import msgspec
import psycopg

from foundation.database.connecting import connect_to_database

HOOK_SECRET = "webhook_secret"  # noqa: S105 - the name of the setting, not its value
HOOK_SECRETS = (HOOK_SECRET, f"{HOOK_SECRET}.previous")


class OpensSecrets(Protocol):
    """The vault, as far as intake needs it."""

    def open_with(self, tenant_id: UUID, wrapped: Mapping[UUID, bytes], purpose: str, ciphertext: bytes) -> bytes: ...


class HookRoute(msgspec.Struct, frozen=True):
    msp_id: UUID
    tenant_id: UUID
    connection_id: UUID
    kind: str
    active: bool
    suspended: bool
    secrets: tuple[bytes, ...]


_PATIENCE_SECONDS = 5.0


def secret_purpose(connection_id: UUID, name: str) -> str:
    return f"connection:{connection_id}:{name}"


class HookDirectory:
    """Reads through the intake role and remembers for `ttl` seconds, unknown addresses too."""

    def __init__(
        self,
        conninfo: str,
        vault: OpensSecrets,
        *,
        ttl: float = 5.0,
        size: int = 50_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._conninfo = conninfo
        self._vault = vault
        self._ttl = ttl
        self._size = size
        self._now = monotonic
        self._known: dict[UUID, tuple[float, HookRoute | None]] = {}
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._lock = asyncio.Lock()

    async def find(self, connection_id: UUID) -> HookRoute | None:
        """Raises psycopg.OperationalError when the database is away and the address is not remembered."""
        remembered = self._known.get(connection_id)
        if remembered is not None and remembered[0] > self._now():
            return remembered[1]
        async with self._lock:
            remembered = self._known.get(connection_id)
            if remembered is not None and remembered[0] > self._now():
                return remembered[1]
            route = await self._load(connection_id)
            if len(self._known) >= self._size:
                self._known.clear()
            self._known[connection_id] = (self._now() + self._ttl, route)
            return route

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _load(self, connection_id: UUID) -> HookRoute | None:
        if self._connection is None or self._connection.closed:
            self._connection = await connect_to_database(self._conninfo, patience=_PATIENCE_SECONDS)
        cursor = await self._connection.execute(
            "SELECT n.msp_id, n.tenant_id, n.kind, n.state = 'active', coalesce(c.status = 'suspended', false)"
            " FROM connection n LEFT JOIN client c ON c.tenant_id = n.tenant_id WHERE n.id = %s",
            (connection_id,),
        )
        row = await cursor.fetchone()
        if row is None:
            return None
        msp_id, tenant_id, kind, active, suspended = row
        cursor = await self._connection.execute(
            "SELECT name, ciphertext FROM connection_secret"
            " WHERE tenant_id = %s AND connection_id = %s AND name = ANY (%s)",
            (tenant_id, connection_id, list(HOOK_SECRETS)),
        )
        sealed = await cursor.fetchall()
        cursor = await self._connection.execute("SELECT id, wrapped FROM vault_key WHERE tenant_id = %s", (tenant_id,))
        wrapped = {key_id: bytes(key) for key_id, key in await cursor.fetchall()}
        secrets = tuple(
            self._vault.open_with(tenant_id, wrapped, secret_purpose(connection_id, name), bytes(ciphertext))
            for name, ciphertext in sorted(sealed)
        )
        return HookRoute(msp_id, tenant_id, connection_id, kind, active, suspended, secrets)
