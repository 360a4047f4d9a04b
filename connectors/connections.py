"""Configuration of connections. Settings are validated against the connector's manifest; secrets go to the vault."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.audit_actions import ConnectionAction
from connectors.events import CONNECTION_PAUSED, CONNECTION_RESUMED, ConnectionResumed
from connectors.features import CONNECTION_FEATURE
from connectors.models import Connection
from connectors.poll_job import resume_poll
from connectors.ports import Connector
from connectors.settings import check_jurisdiction, check_settings
from connectors.states import CONNECTIONS, ConnectionState
from connectors.webhooks.directory import HOOK_SECRET, HOOK_SECRETS, secret_purpose
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.entitlements.check import require_entitlement
from foundation.errors import Conflict, NotFound
from foundation.events import DomainEvent, publish
from foundation.ids import NewId
from foundation.jobs.enqueue import wake_lanes
from foundation.jobs.types import NoPayload
from foundation.marks import N_
from foundation.names import clean_name
from foundation.vault.rotation import EncryptedColumn
from foundation.vault.vault import Vault
from tenants.states import Environment

SEALED: Final = EncryptedColumn(
    "connection_secret", "ciphertext", "connection:{connection_id}:{name}", keys=("connection_id", "name")
)
"""Sealed column, for `vault.rotation`."""


async def create_connection(  # noqa: PLR0913 - keyword-only parts of one form
    session: AsyncSession,
    vault: Vault,
    *,
    connector: Connector,
    name: str,
    base_url: str,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    partner_id: UUID | None = None,
    jurisdiction: str = "",
    environment: Environment = Environment.LIVE,
    credentials_expire_on: date | None = None,
    state: ConnectionState = ConnectionState.ACTIVE,
    now: datetime,
    new_id: NewId,
) -> UUID:
    """Create a connection. `jurisdiction` is an ISO 3166 code, such as DE or US-CA. A draft counts as paused since its
    creation.

    Raises:
        InvalidInput: names the missing, unknown or malformed field.
        PlanLimitReached: the plan allows no further connection.
    """
    scope, manifest = scope_of(session), connector.manifest
    check_settings(manifest, settings, secrets)
    check_jurisdiction(jurisdiction)
    await require_entitlement(session, CONNECTION_FEATURE)
    name, connection_id = clean_name(name), new_id()
    session.add(
        Connection(
            tenant_id=scope.tenant_id,
            msp_id=scope.msp_id,
            id=connection_id,
            partner_id=partner_id,
            kind=manifest.kind,
            is_source=connector.is_source,
            takes_webhooks=connector.takes_webhooks,
            writes=connector.writes,
            jurisdiction=jurisdiction,
            name=name,
            base_url=base_url,
            settings=dict(settings),
            requests_per_second=manifest.requests_per_second,
            burst=manifest.burst,
            environment=environment,
            credentials_expire_on=credentials_expire_on,
            state=CONNECTIONS.start(state),
            paused_at=None if state is ConnectionState.ACTIVE else now,
            created_at=now,
        )
    )
    await session.flush()
    for secret_name, value in secrets.items():
        await store_secret(session, vault, connection_id, secret_name, value, now=now)
    data = {"kind": manifest.kind, "name": name, "environment": environment, "state": state}
    append_audit(
        session, action=ConnectionAction.CONNECTION_CREATED, subject=f"connection:{connection_id}", data=data, at=now
    )
    return connection_id


async def store_secret(  # noqa: PLR0913 - keyword-only time
    session: AsyncSession,
    vault: Vault,
    connection_id: UUID,
    name: str,
    value: str,
    *,
    now: datetime | None = None,
    by: str | None = None,
) -> None:
    """Store a secret, replacing any of this name. `by`: name of the actor that set it, by default the session's."""
    scope = scope_of(session)
    ciphertext = await vault.encrypt(session, secret_purpose(connection_id, name), value.encode())
    await session.execute(
        text("""
            INSERT INTO connection_secret (tenant_id, msp_id, connection_id, name, ciphertext, set_at, set_by)
            VALUES (:t, :m, :c, :name, :ciphertext, :now, :by)
            ON CONFLICT (tenant_id, connection_id, name) DO UPDATE
                    SET ciphertext = excluded.ciphertext, set_at = excluded.set_at, set_by = excluded.set_by
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "c": connection_id, "name": name, "ciphertext": ciphertext,
            "now": now, "by": scope.actor.name if by is None else by,
        },
    )  # fmt: skip


async def rotate_hook_secret(
    session: AsyncSession, vault: Vault, connection_id: UUID, *, secret: str, now: datetime
) -> None:
    """Rotate the webhook secret. The old one stays valid until the next rotation, so that no delivery is lost."""
    scope = scope_of(session)
    found = await get_connection(session, connection_id)
    found.revision += 1
    old = (
        await session.execute(
            text("""
                SELECT ciphertext, set_at, set_by FROM connection_secret
                 WHERE tenant_id = :t AND connection_id = :c AND name = :name FOR UPDATE
            """),
            {"t": scope.tenant_id, "c": connection_id, "name": HOOK_SECRET},
        )
    ).one_or_none()
    if old is not None:
        clear = await vault.decrypt(session, secret_purpose(connection_id, HOOK_SECRET), bytes(old.ciphertext))
        await store_secret(
            session, vault, connection_id, HOOK_SECRETS[1], clear.decode(), now=old.set_at, by=old.set_by
        )
    await store_secret(session, vault, connection_id, HOOK_SECRET, secret, now=now)
    append_audit(
        session,
        action=ConnectionAction.CONNECTION_WEBHOOK_SECRET_ROTATED,
        subject=f"connection:{connection_id}",
        data={},
        at=now,
    )


class StoredSecret(msgspec.Struct, frozen=True):
    """A secret without its value. `set_at` and `set_by`: time and actor of its last change, if known."""

    name: str
    set_at: datetime | None
    set_by: str


async def list_secrets(session: AsyncSession, connection_id: UUID) -> list[StoredSecret]:
    """The stored secrets of a connection, without their values."""
    rows = await session.execute(
        text("""
            SELECT name, set_at, set_by FROM connection_secret
             WHERE tenant_id = :t AND connection_id = :c ORDER BY name
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id},
    )
    return [StoredSecret(*row) for row in rows]


async def get_connection(session: AsyncSession, connection_id: UUID) -> Connection:
    """Raises NotFound, also for a deleted connection."""
    found = await session.scalar(
        select(Connection).where(
            Connection.tenant_id == scope_of(session).tenant_id,
            Connection.id == connection_id,
            Connection.state != ConnectionState.DELETED,
        )
    )
    if found is None:
        raise NotFound
    return found


async def set_connection_state(
    session: AsyncSession, connection_id: UUID, *, state: ConnectionState, now: datetime
) -> None:
    """Pause, resume, or activate a draft. A paused channel gets no new propagation; webhooks of a paused source are
    refused.

    Resuming also ends an earlier Retry-After delay of the remote system, so that a member need not wait for it.
    A polled source is polled again from then on. Values missed by a channel are sent by higher rooms: both changes are
    published as events.

    Raises:
        NotFound: no such connection.
        Conflict: a draft cannot be paused.
    """
    found = await get_connection(session, connection_id)
    if found.state == state:
        return
    if found.state == ConnectionState.DRAFT and state is ConnectionState.PAUSED:
        raise Conflict(N_("This connection is a draft: nothing is taken from it or sent to it yet."))
    found.state = CONNECTIONS.move(found.state, state)
    found.revision += 1
    if state is ConnectionState.ACTIVE:
        await wake_lanes(session, connection_id)
        await resume_poll(session, connection_id, at=now)
        resumed = ConnectionResumed(since=found.paused_at or found.created_at)
        found.paused_at = None
        publish(session, DomainEvent(CONNECTION_RESUMED, connection_id, now, resumed))
    else:
        found.paused_at = now
        found.missing_since = found.missing_since or now
        publish(session, DomainEvent(CONNECTION_PAUSED, connection_id, now, NoPayload()))
    append_audit(
        session,
        action=ConnectionAction.of(f"connection.{state}"),
        subject=f"connection:{connection_id}",
        data={"name": found.name},
        at=now,
    )


async def find_missing_since(session: AsyncSession, connection_id: UUID) -> datetime | None:
    """Time since which a channel may lack released values: its first pause without a later backfill."""
    return await session.scalar(
        select(Connection.missing_since).where(
            Connection.tenant_id == scope_of(session).tenant_id, Connection.id == connection_id
        )
    )


async def note_backfilled(session: AsyncSession, connection_id: UUID, *, since: datetime) -> None:
    """Record a channel's backfill, unless the channel has been paused again."""
    await session.execute(
        text(f"""
            UPDATE connection SET missing_since = NULL
             WHERE tenant_id = :t AND id = :c AND state = '{ConnectionState.ACTIVE}' AND missing_since = :since
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "since": since},
    )
