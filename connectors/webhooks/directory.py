"""Directory of webhook addresses: connection and verification secrets, looked up before any tenant is known.

Any caller may request unknown addresses: look-ups are batched, so that a million of them do not delay requests with a
known address, and unknown addresses are cached separately, so that they evict no known ones.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import msgspec

from connectors.states import ConnectionState
from foundation.database.connecting import ReconnectingConnection
from foundation.errors import Unavailable
from foundation.marks import N_
from foundation.relations import VAULT_KEYS
from tenants.relations import CLIENT_STATES
from tenants.states import AccountStatus

HOOK_SECRET = "webhook_secret"  # noqa: S105 - the name of the setting, not its value
HOOK_SECRETS = (HOOK_SECRET, f"{HOOK_SECRET}.previous")


class OpensSecrets(Protocol):
    """Port: the vault, for intake."""

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
_REFRESH_SECONDS = 1.0
"""Limits the look-ups that a caller with a known address can cause."""
_MAX_GROUP = 500
_MAX_WAITING = 20_000
T = TypeVar("T")
Sealed = Mapping[UUID, Sequence[tuple[str, bytes]]]
Wrapped = Mapping[UUID, Mapping[UUID, bytes]]


def secret_purpose(connection_id: UUID, name: str) -> str:
    return f"connection:{connection_id}:{name}"


class TtlCache(Generic[T]):
    """Cache with a time to live; the oldest entry is evicted when the cache is full."""

    def __init__(self, *, ttl: float, size: int, monotonic: Callable[[], float]) -> None:
        self._ttl = ttl
        self._size = size
        self._now = monotonic
        self._entries: dict[UUID, tuple[float, T]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: UUID, value: T) -> None:
        self._entries.pop(key, None)
        while len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = (self._now() + self._ttl, value)

    def get(self, key: UUID, *, newest: float | None = None) -> T | None:
        """`newest`: only entries no older than this many seconds."""
        until, value = self._entries.get(key, (0.0, None))
        age = 0.0 if newest is None else max(self._ttl - newest, 0.0)
        return value if value is not None and until > self._now() + age else None


class HookDirectory:
    """Reads through the intake role and caches for `ttl` seconds, unknown addresses too."""

    def __init__(
        self,
        conninfo: str,
        vault: OpensSecrets,
        *,
        ttl: float = 5.0,
        size: int = 50_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vault = vault
        self._known: TtlCache[HookRoute] = TtlCache(ttl=ttl, size=size, monotonic=monotonic)
        self._unknown: TtlCache[bool] = TtlCache(ttl=ttl, size=size, monotonic=monotonic)
        self._waiting: dict[UUID, asyncio.Future[HookRoute | None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._connection = ReconnectingConnection(
            conninfo, round_trip_timeout=_PATIENCE_SECONDS, application_name="fairlead intake addresses"
        )

    async def find(self, connection_id: UUID, *, refresh: bool = False) -> HookRoute | None:
        """None when no connection has this address. `refresh`: entries older than a second do not count.

        Raises:
            psycopg.OperationalError: the database is unavailable, and the address is not cached.
            Unavailable: too many look-ups wait for the database.
        """
        route = self._known.get(connection_id, newest=_REFRESH_SECONDS if refresh else None)
        if route is not None or self._unknown.get(connection_id):
            return route
        future = self._waiting.get(connection_id)
        if future is None:
            if len(self._waiting) >= _MAX_WAITING:
                raise Unavailable(
                    N_("Too many webhooks are waiting to be checked. Send this one again in a few seconds.")
                )
            future = self._waiting[connection_id] = asyncio.get_running_loop().create_future()
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._look_up())
        return await asyncio.shield(future)  # other callers may wait for it, too

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._settle(self._waiting, Unavailable(N_("The service is stopping. Send this again.")))
        await self._connection.close()

    async def _look_up(self) -> None:
        """The next group accumulates while one is looked up."""
        while self._waiting:
            asked = list(islice(self._waiting, _MAX_GROUP))
            try:
                found, sealed, wrapped = await self._load(asked)
            except Exception as error:  # noqa: BLE001 - it is raised for each waiting caller
                self._settle(asked, error)
                continue
            for connection_id in asked:
                row = found.get(connection_id)
                if row is None:
                    self._unknown.put(connection_id, value=True)
                    self._settle([connection_id], None)
                    continue
                try:
                    route = self._open(row, sealed.get(connection_id, ()), wrapped)
                except Exception as error:  # noqa: BLE001 - an unreadable secret must not fail other clients' look-ups
                    self._settle([connection_id], error)
                    continue
                self._known.put(connection_id, route)
                self._settle([connection_id], route)

    def _settle(self, ids: Iterable[UUID], outcome: "HookRoute | Exception | None") -> None:
        for connection_id in list(ids):
            future = self._waiting.pop(connection_id)
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
                future.exception()  # the caller may have been cancelled
            else:
                future.set_result(outcome)

    async def _load(self, ids: list[UUID]) -> tuple[dict[UUID, Any], Sealed, Wrapped]:
        connection = await self._connection.get()
        cursor = await connection.execute(
            f"SELECT n.id, n.msp_id, n.tenant_id, n.kind, n.state = '{ConnectionState.ACTIVE}',"
            f" coalesce(c.status = '{AccountStatus.SUSPENDED}', false)"
            f" FROM connection n LEFT JOIN {CLIENT_STATES} c ON c.tenant_id = n.tenant_id"
            f" WHERE n.id = ANY (%s) AND n.state <> '{ConnectionState.DELETED}'",
            (ids,),
        )
        found = {row[0]: row for row in await cursor.fetchall()}
        sealed: dict[UUID, list[tuple[str, bytes]]] = {}
        wrapped: dict[UUID, dict[UUID, bytes]] = {}
        if found:
            tenants = list({row[2] for row in found.values()})
            cursor = await connection.execute(
                "SELECT connection_id, name, ciphertext FROM connection_secret"
                " WHERE tenant_id = ANY (%s) AND connection_id = ANY (%s) AND name = ANY (%s) ORDER BY name",
                (tenants, list(found), list(HOOK_SECRETS)),
            )
            for connection_id, name, ciphertext in await cursor.fetchall():
                sealed.setdefault(connection_id, []).append((name, bytes(ciphertext)))
            cursor = await connection.execute(
                f"SELECT tenant_id, id, wrapped FROM {VAULT_KEYS} k WHERE tenant_id = ANY (%s)", (tenants,)
            )
            for tenant_id, key_id, key in await cursor.fetchall():
                wrapped.setdefault(tenant_id, {})[key_id] = bytes(key)
        return found, sealed, wrapped

    def _open(self, row: Any, sealed: Sequence[tuple[str, bytes]], wrapped: Wrapped) -> HookRoute:
        connection_id, msp_id, tenant_id, kind, active, suspended = row
        secrets = tuple(
            self._vault.open_with(
                tenant_id, wrapped.get(tenant_id, {}), secret_purpose(connection_id, name), ciphertext
            )
            for name, ciphertext in sealed
        )
        return HookRoute(msp_id, tenant_id, connection_id, kind, active, suspended, secrets)
