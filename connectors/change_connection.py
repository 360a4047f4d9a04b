"""Changes of a connection's settings and credentials. New ones take effect once they have passed their test; until then
the stored ones are in use.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.add_connection import check_environment, find_partner
from connectors.audit_actions import ConnectionAction
from connectors.connection_input import ConnectionChanges, read_day
from connectors.connections import get_connection, rotate_hook_secret, store_secret
from connectors.health import record_health
from connectors.models import Connection
from connectors.ports import ConnectionConfig, Connector
from connectors.probe import ConnectionTestFailed, ProbeResult, probe_system
from connectors.runtime import ConnectorRuntime
from connectors.settings import check_jurisdiction, check_settings, clean_address, origin_of
from connectors.webhooks.directory import HOOK_SECRET, HOOK_SECRETS
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput, NotFound
from foundation.marks import N_, Phrase
from foundation.names import clean_name
from foundation.web.etags import changed_meanwhile

_DELETE_SECRET: Final = text(
    "DELETE FROM connection_secret WHERE tenant_id = :t AND connection_id = :c AND name = ANY (:names)"
)
_UPDATE: Final = text("""
    UPDATE connection SET name = :name, base_url = :base_url, settings = CAST(:settings AS jsonb),
           environment = :environment, jurisdiction = :jurisdiction,
           partner_id = :partner_id, credentials_expire_on = :expires_on,
           expiry_stage = CASE WHEN credentials_expire_on IS NOT DISTINCT FROM :expires_on THEN expiry_stage END,
           revision = revision + 1
     WHERE tenant_id = :t AND id = :c AND revision = :revision RETURNING revision
""")


class _Plan(msgspec.Struct, frozen=True):
    """The changed connection. `secrets` are the changed ones; `connects`: its calls to the system would differ."""

    connector: Connector
    config: ConnectionConfig
    settings: Mapping[str, str]
    secrets: Mapping[str, str]
    connects: bool


async def probe_connection(  # noqa: PLR0913 - keyword-only time and preview
    session: AsyncSession,
    runtime: ConnectorRuntime,
    connection_id: UUID,
    changes: ConnectionChanges | None = None,
    *,
    now: datetime,
    preview: bool = False,
) -> ProbeResult:
    """Test a stored connection, with changes that are not saved. `preview`: also read values of some records.

    Raises NotFound, InvalidInput, TooManyRequests.
    """
    found = await get_connection(session, connection_id)
    plan = await _plan(session, runtime, found, changes or ConnectionChanges())
    return await probe_system(session, runtime, plan.connector, plan.config, now=now, preview=preview)


async def change_connection(  # noqa: PLR0913 - keyword-only revision and time
    session: AsyncSession,
    runtime: ConnectorRuntime,
    connection_id: UUID,
    changes: ConnectionChanges,
    *,
    revision: int,
    now: datetime,
) -> int:
    """Save changes that were made from `revision`; returns the new one.

    Raises:
        NotFound: no such connection.
        PreconditionFailed: the connection has another revision.
        InvalidInput: a setting is unknown or malformed, or another address is given without the secrets.
        ConnectionTestFailed: unless `skip_test`; the stored settings stay in use.
        TooManyRequests: other tests are under way.
    """
    found = await get_connection(session, connection_id)
    if found.revision != revision:
        raise changed_meanwhile()
    plan = await _plan(session, runtime, found, changes)
    name = found.name if changes.name is None else clean_name(changes.name)
    jurisdiction = found.jurisdiction if changes.jurisdiction is None else changes.jurisdiction
    check_jurisdiction(jurisdiction)
    if changes.environment is not None and changes.environment != found.environment:
        await check_environment(session, changes.environment)
    expiry, partner = changes.credentials_expire_on, changes.partner_id
    partner_id = found.partner_id if partner is None else await find_partner(session, partner)
    after: dict[str, object] = {
        "name": name,
        "base_url": plan.config.base_url,
        "settings": dict(plan.settings),
        "environment": str(changes.environment or found.environment),
        "jurisdiction": jurisdiction,
        "partner_id": partner_id,
        "credentials_expire_on": found.credentials_expire_on if expiry is None else read_day(expiry),
    }
    changed = [each for each, value in after.items() if value != getattr(found, each)]
    if not changed and not plan.secrets:
        return found.revision
    is_tested = plan.connects and not changes.skip_test
    if is_tested and not (result := await probe_system(session, runtime, plan.connector, plan.config, now=now)).passed:
        raise ConnectionTestFailed(result)
    saved = await session.scalar(
        _UPDATE,
        {
            **after,
            "settings": msgspec.json.encode(plan.settings).decode(),
            "expires_on": after["credentials_expire_on"],
            "t": scope_of(session).tenant_id, "c": connection_id, "revision": revision,
        },
    )  # fmt: skip
    if saved is None:
        raise changed_meanwhile()
    session.expire(found)
    if is_tested:
        await record_health(session, connection_id, now=now)
    await _store_secrets(session, runtime, connection_id, plan.secrets, now=now)
    append_audit(
        session,
        action=ConnectionAction.CONNECTION_CHANGED,
        subject=f"connection:{connection_id}",
        data={
            "name": name, "changed": changed, "credentials": sorted(plan.secrets), "tested": is_tested,
            "environment": after["environment"],
        },
        at=now,
    )  # fmt: skip
    return (await get_connection(session, connection_id)).revision


async def _plan(
    session: AsyncSession, runtime: ConnectorRuntime, found: Connection, changes: ConnectionChanges
) -> _Plan:
    connector = runtime.registry.get(found.kind)
    if connector is None:
        raise NotFound
    manifest = connector.manifest
    stored = await runtime.config_of(session, found.id, found.kind, found.base_url, found.settings)
    address = found.base_url if changes.base_url is None else clean_address(changes.base_url)
    known = {name: value for name, value in stored.secrets.items() if name not in HOOK_SECRETS[1:]}
    if origin_of(address) != origin_of(found.base_url):
        # Otherwise a person who may change the address could have the secrets sent to a server of their own.
        for field in manifest.secrets:
            if known.get(field.name) and field.name != HOOK_SECRET and not changes.secrets.get(field.name):
                raise InvalidInput(
                    N_("Enter “{label}” again: stored credentials are not sent to another address."),
                    params={"label": Phrase(field.label)},
                    field=field.name,
                )
    settings = {name: value for name, value in {**found.settings, **changes.settings}.items() if value}
    secrets = {name: value for name, value in {**known, **changes.secrets}.items() if value}
    check_settings(manifest, {**settings, **_unknown(changes.settings, settings)}, secrets)
    defaults = {field.name: field.default for field in manifest.fields if field.default}
    config = ConnectionConfig("", address, defaults | settings, secrets)
    called = {name for name in changes.secrets if name != HOOK_SECRET}
    connects = bool(called) or address != found.base_url or settings != found.settings
    return _Plan(connector, config, settings, dict(changes.secrets), connects)


def _unknown(given: Mapping[str, str], kept: Mapping[str, str]) -> dict[str, str]:
    """Removed settings, which must be known ones too."""
    return {name: "" for name in given if name not in kept}


async def _store_secrets(
    session: AsyncSession, runtime: ConnectorRuntime, connection_id: UUID, secrets: Mapping[str, str], *, now: datetime
) -> None:
    for name, value in secrets.items():
        if not value:
            names = list(HOOK_SECRETS) if name == HOOK_SECRET else [name]
            keys = {"t": scope_of(session).tenant_id, "c": connection_id, "names": names}
            await session.execute(_DELETE_SECRET, keys)
        elif name == HOOK_SECRET:
            await rotate_hook_secret(session, runtime.vault, connection_id, secret=value, now=now)
        else:
            await store_secret(session, runtime.vault, connection_id, name, value, now=now)
