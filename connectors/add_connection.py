"""Adding of a connection: its settings are checked and tested before they are saved."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.connection_input import ConnectionInput, read_day
from connectors.connections import create_connection
from connectors.features import CONNECTION_FEATURE
from connectors.health import record_health
from connectors.poll_job import schedule_poll
from connectors.ports import ConnectionConfig, Connector
from connectors.probe import ConnectionTestFailed, ProbeResult, probe_system
from connectors.runtime import ConnectorRuntime
from connectors.settings import check_jurisdiction, check_settings, clean_address
from connectors.states import ConnectionState
from foundation.database.engine import scope_of
from foundation.entitlements.check import require_entitlement
from foundation.errors import InvalidInput
from foundation.ids import NewId
from foundation.marks import N_
from foundation.names import clean_name
from tenants.accounts import get_client
from tenants.relations import PARTNERS
from tenants.states import Environment

_NO_PARTNER: Final = N_("This account has no such trading partner.")


def find_connector(runtime: ConnectorRuntime, kind: str) -> Connector:
    """Raises InvalidInput."""
    found = runtime.registry.get(kind)
    if found is None:
        raise InvalidInput(
            N_("There is no system of kind “{kind}”. Choose one of: {known}."),
            params={"kind": kind, "known": ", ".join(sorted(runtime.registry))},
            field="kind",
        )
    return found


async def probe_new_connection(
    session: AsyncSession, runtime: ConnectorRuntime, new: ConnectionInput, *, now: datetime
) -> ProbeResult:
    """Test a connection without saving it, with a preview. Raises InvalidInput, TooManyRequests."""
    connector = find_connector(runtime, new.kind)
    return await probe_system(session, runtime, connector, _config(connector, new), now=now, preview=True)


async def add_connection(
    session: AsyncSession,
    runtime: ConnectorRuntime,
    new: ConnectionInput,
    *,
    now: datetime,
    new_id: NewId,
) -> UUID:
    """Add a connection. A source that can be polled is polled from now on; a draft once it is activated.

    Raises:
        InvalidInput: a setting is missing, unknown or malformed.
        ConnectionTestFailed: unless `skip_test`.
        TooManyRequests: other tests are under way.
        PlanLimitReached: the plan allows no further connection.
    """
    connector = find_connector(runtime, new.kind)
    config = _config(connector, new)
    clean_name(new.name)
    check_jurisdiction(new.jurisdiction)
    expires_on = read_day(new.credentials_expire_on)
    await _check_partner(session, new.partner_id)
    await check_environment(session, new.environment or connector.manifest.environment)
    await require_entitlement(session, CONNECTION_FEATURE, early=True)
    if not new.skip_test:
        result = await probe_system(session, runtime, connector, config, now=now)
        if not result.passed:
            raise ConnectionTestFailed(result)
    connection_id = await create_connection(
        session,
        runtime.vault,
        connector=connector,
        name=new.name,
        base_url=config.base_url,
        settings={name: value for name, value in new.settings.items() if value},
        secrets=config.secrets,
        partner_id=new.partner_id,
        jurisdiction=new.jurisdiction,
        environment=new.environment or connector.manifest.environment,
        credentials_expire_on=expires_on,
        state=ConnectionState.DRAFT if new.draft else ConnectionState.ACTIVE,
        now=now,
        new_id=new_id,
    )
    if not new.skip_test:
        await record_health(session, connection_id, now=now)
    if connector.poll is not None:
        await schedule_poll(session, connection_id, at=now)
    return connection_id


async def check_environment(session: AsyncSession, environment: Environment) -> None:
    """Raises InvalidInput for a live connection of a sandbox client."""
    if environment is Environment.LIVE and (await get_client(session)).environment == Environment.SANDBOX:
        raise InvalidInput(
            N_("This client is a sandbox. Connect a sandbox system, or create a live client for the live one."),
            field="environment",
        )


def _config(connector: Connector, new: ConnectionInput) -> ConnectionConfig:
    """Raises InvalidInput."""
    check_settings(connector.manifest, new.settings, new.secrets)
    defaults = {field.name: field.default for field in connector.manifest.fields if field.default}
    given = {name: value for name, value in new.settings.items() if value}
    secrets = {name: value for name, value in new.secrets.items() if value}
    return ConnectionConfig("", clean_address(new.base_url), defaults | given, secrets)


async def find_partner(session: AsyncSession, text: str) -> UUID | None:
    """The partner with the typed id; None for an empty text. Raises InvalidInput."""
    try:
        partner_id = UUID(text) if text else None
    except ValueError:
        raise InvalidInput(_NO_PARTNER, field="partner_id") from None
    await _check_partner(session, partner_id)
    return partner_id


async def _check_partner(session: AsyncSession, partner_id: UUID | None) -> None:
    """Raises InvalidInput."""
    known = text(f"SELECT 1 FROM {PARTNERS} p WHERE p.tenant_id = :t AND p.partner_id = :p")
    found = {"t": scope_of(session).tenant_id, "p": partner_id}
    if partner_id is not None and await session.scalar(known, found) is None:
        raise InvalidInput(_NO_PARTNER, field="partner_id")
