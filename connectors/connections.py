"""Configuration of connections. Settings are validated against the connector's manifest; secrets go to the vault."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.audit_actions import ConnectionAction
from connectors.events import CONNECTION_PAUSED, CONNECTION_RESUMED, ConnectionResumed
from connectors.manifest import Manifest
from connectors.models import Connection
from connectors.poll_job import resume_poll
from connectors.ports import Connector
from connectors.states import CONNECTIONS, ConnectionState
from connectors.webhooks.directory import HOOK_SECRET, HOOK_SECRETS, secret_purpose
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput, NotFound
from foundation.events import DomainEvent, publish
from foundation.ids import NewId
from foundation.jobs.enqueue import wake_lanes
from foundation.jobs.types import NoPayload
from foundation.marks import N_
from foundation.names import clean_name
from foundation.vault.rotation import EncryptedColumn
from foundation.vault.vault import Vault

SEALED: Final = EncryptedColumn(
    "connection_secret", "ciphertext", "connection:{connection_id}:{name}", keys=("connection_id", "name")
)
"""Sealed column, for `vault.rotation`."""


_JURISDICTION: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


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
    now: datetime,
    new_id: NewId,
) -> UUID:
    """Create a connection. `jurisdiction` is an ISO 3166 code, such as DE or US-CA.

    Raises InvalidInput with the missing, unknown or malformed field.
    """
    scope, manifest = scope_of(session), connector.manifest
    _check(manifest, settings, secrets)
    if jurisdiction and not _JURISDICTION.fullmatch(jurisdiction):
        raise InvalidInput(
            N_("A jurisdiction is a country or region code of ISO 3166, such as DE or US-CA."), field="jurisdiction"
        )
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
            created_at=now,
        )
    )
    await session.flush()
    for secret_name, value in secrets.items():
        await store_secret(session, vault, connection_id, secret_name, value)
    data = {"kind": manifest.kind, "name": name}
    append_audit(
        session, action=ConnectionAction.CONNECTION_CREATED, subject=f"connection:{connection_id}", data=data, at=now
    )
    return connection_id


async def store_secret(session: AsyncSession, vault: Vault, connection_id: UUID, name: str, value: str) -> None:
    scope = scope_of(session)
    ciphertext = await vault.encrypt(session, secret_purpose(connection_id, name), value.encode())
    await session.execute(
        text("""
            INSERT INTO connection_secret (tenant_id, msp_id, connection_id, name, ciphertext)
            VALUES (:t, :m, :c, :name, :ciphertext)
            ON CONFLICT (tenant_id, connection_id, name) DO UPDATE SET ciphertext = excluded.ciphertext
        """),
        {"t": scope.tenant_id, "m": scope.msp_id, "c": connection_id, "name": name, "ciphertext": ciphertext},
    )


async def rotate_hook_secret(
    session: AsyncSession, vault: Vault, connection_id: UUID, *, secret: str, now: datetime
) -> None:
    """Rotate the webhook secret. The old one stays valid until the next rotation, so that no delivery is lost."""
    scope = scope_of(session)
    await get_connection(session, connection_id)
    old = (
        await session.execute(
            text("""
                SELECT ciphertext FROM connection_secret
                 WHERE tenant_id = :t AND connection_id = :c AND name = :name FOR UPDATE
            """),
            {"t": scope.tenant_id, "c": connection_id, "name": HOOK_SECRET},
        )
    ).scalar()
    if old is not None:
        clear = await vault.decrypt(session, secret_purpose(connection_id, HOOK_SECRET), bytes(old))
        await store_secret(session, vault, connection_id, HOOK_SECRETS[1], clear.decode())
    await store_secret(session, vault, connection_id, HOOK_SECRET, secret)
    append_audit(
        session,
        action=ConnectionAction.CONNECTION_WEBHOOK_SECRET_ROTATED,
        subject=f"connection:{connection_id}",
        data={},
        at=now,
    )


async def get_connection(session: AsyncSession, connection_id: UUID) -> Connection:
    """Raises NotFound."""
    found = await session.scalar(
        select(Connection).where(Connection.tenant_id == scope_of(session).tenant_id, Connection.id == connection_id)
    )
    if found is None:
        raise NotFound
    return found


async def set_connection_state(
    session: AsyncSession, connection_id: UUID, *, state: ConnectionState, now: datetime
) -> None:
    """Pause or resume. A paused channel gets no new propagation; webhooks of a paused source are refused.

    Resuming also ends an earlier Retry-After delay of the remote system, so that a member need not wait for it.
    A polled source is polled again from then on. Values missed by a channel are sent by higher rooms: both changes are
    published as events.
    """
    found = await get_connection(session, connection_id)
    if found.state == state:
        return
    found.state = CONNECTIONS.move(found.state, state)
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
    """Record a channel's backfill, unless the channel was paused again meanwhile."""
    await session.execute(
        text(f"""
            UPDATE connection SET missing_since = NULL
             WHERE tenant_id = :t AND id = :c AND state = '{ConnectionState.ACTIVE}' AND missing_since = :since
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "since": since},
    )


def _check(manifest: Manifest, settings: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    fields = {field.name: field for field in manifest.fields}
    given = dict(settings) | dict(secrets)
    for name in given:
        if name not in fields:
            raise InvalidInput(
                N_("{system} has no setting “{name}”. Remove it."),
                params={"system": manifest.title, "name": name},
                field=name,
            )
        if fields[name].secret != (name in secrets):
            problem = N_("“{label}” is a secret.") if fields[name].secret else N_("“{label}” is not a secret.")
            raise InvalidInput(problem, params={"label": fields[name].label}, field=name)
    for name, field in fields.items():
        value = given.get(name, field.default)
        if field.required and not value:
            raise InvalidInput(
                N_("{system} needs “{label}”."), params={"system": manifest.title, "label": field.label}, field=name
            )
        if value and field.pattern and not re.fullmatch(field.pattern, value):
            raise InvalidInput(
                N_("“{label}” is invalid. {help}"),
                params={"label": field.label, "help": field.help},
                field=name,
            )
