"""Loads a connection: adapter, decrypted settings, and an HTTP client bound to its credential."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.ports import ConnectionConfig, Connector, HttpCaller
from connectors.states import ConnectionState
from connectors.webhooks.directory import secret_purpose
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.vault.vault import Vault

_PROBES_AT_ONCE: Final = 3
"""Tests of systems at the same time in one process: each holds a database connection for its duration."""


class BoundHttp(HttpCaller, Protocol):
    def again(self) -> HttpCaller:
        """A client for retries: calls spend the credential's retry budget."""


class BindsCallers(Protocol):
    """Port: the outbound client for connections."""

    def for_credential(self, tenant_id: UUID, credential_id: str, rate: float, burst: int) -> BoundHttp: ...


class OpenConnection(msgspec.Struct, frozen=True):
    connector: Connector
    config: ConnectionConfig
    http: BoundHttp
    active: bool
    draft: bool = False

    @property
    def readable(self) -> bool:
        """Whether a baseline may read the connection: it is active or a draft."""
        return self.active or self.draft

    def client(self, *, is_retry: bool) -> HttpCaller:
        """HTTP client for one job. `is_retry`: the job's remote call failed before."""
        return self.http.again() if is_retry else self.http


class ConnectorRuntime:
    """Caches opened connections for `ttl` seconds, keyed by tenant; a change of settings takes effect after that.

    The active state is always read from the database: actions such as the next poll must not depend on a stale state.
    """

    def __init__(
        self,
        registry: Mapping[str, Connector],
        vault: Vault,
        outbound: BindsCallers,
        *,
        ttl: float = 2.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.registry = registry
        self.vault = vault
        self._outbound = outbound
        self._ttl = ttl
        self._now = monotonic
        self.probes = asyncio.Semaphore(_PROBES_AT_ONCE)
        self._open: dict[tuple[UUID, UUID], tuple[float, OpenConnection]] = {}

    def caller(self, tenant_id: UUID, credential_id: str, rate: float, burst: int) -> BoundHttp:
        """A client under limits of its own; see `OutboundClient.for_credential`."""
        return self._outbound.for_credential(tenant_id, credential_id, rate, burst)

    async def open(self, session: AsyncSession, connection_id: UUID) -> OpenConnection:
        """Raises NotFound when the session's tenant has no such connection."""
        scope = scope_of(session)
        key = (scope.tenant_id, connection_id)
        cached = self._open.get(key)
        if cached is not None and cached[0] > self._now():
            state = await self._state_of(session, connection_id)
            return msgspec.structs.replace(
                cached[1], active=state == ConnectionState.ACTIVE, draft=state == ConnectionState.DRAFT
            )
        opened = await self._load(session, connection_id)
        self._open = {k: v for k, v in self._open.items() if v[0] > self._now()}
        self._open[key] = (self._now() + self._ttl, opened)
        return opened

    async def _state_of(self, session: AsyncSession, connection_id: UUID) -> str | None:
        found = text("SELECT state FROM connection WHERE tenant_id = :t AND id = :c")
        state: str | None = await session.scalar(found, {"t": scope_of(session).tenant_id, "c": connection_id})
        return state

    async def _load(self, session: AsyncSession, connection_id: UUID) -> OpenConnection:
        scope = scope_of(session)
        keys = {"t": scope.tenant_id, "c": connection_id}
        row = (
            await session.execute(
                text("""
                    SELECT kind, base_url, settings, state, requests_per_second, burst
                      FROM connection WHERE tenant_id = :t AND id = :c
                """),
                keys,
            )
        ).one_or_none()
        if row is None or row.kind not in self.registry:
            raise NotFound
        return OpenConnection(
            connector=self.registry[row.kind],
            config=await self.config_of(session, connection_id, row.kind, row.base_url, row.settings),
            http=self._outbound.for_credential(scope.tenant_id, str(connection_id), row.requests_per_second, row.burst),
            active=row.state == ConnectionState.ACTIVE,
            draft=row.state == ConnectionState.DRAFT,
        )

    async def config_of(
        self, session: AsyncSession, connection_id: UUID, kind: str, base_url: str, settings: Mapping[str, str]
    ) -> ConnectionConfig:
        """The configuration of a stored connection, with its decrypted secrets."""
        keys = {"t": scope_of(session).tenant_id, "c": connection_id}
        sealed = await session.execute(
            text("SELECT name, ciphertext FROM connection_secret WHERE tenant_id = :t AND connection_id = :c"), keys
        )
        secrets = {
            name: (await self.vault.decrypt(session, secret_purpose(connection_id, name), bytes(ciphertext))).decode()
            for name, ciphertext in sealed.all()
        }
        defaults = {field.name: field.default for field in self.registry[kind].manifest.fields if field.default}
        return ConnectionConfig(str(connection_id), base_url, defaults | dict(settings), secrets)
