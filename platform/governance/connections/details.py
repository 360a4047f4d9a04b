"""Queries of one connection: its settings, and the history of its health."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.connections import get_connection, list_secrets
from connectors.ports import Connector
from connectors.webhooks.directory import HOOK_SECRET
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.i18n.localizer import translate
from foundation.i18n.messages import to_message
from governance.connections.schemas import ConnectionDetail, CredentialView, HealthSpell
from governance.exceptions.models import ABOUT_HEALTH
from governance.messages.writer import write_reason
from tenants.states import Environment

_HISTORY: Final = 20


async def load_detail(
    session: AsyncSession, registry: Mapping[str, Connector], connection_id: UUID
) -> ConnectionDetail:
    """Raises NotFound."""
    found = await get_connection(session, connection_id)
    connector = registry.get(found.kind)
    if connector is None:
        raise NotFound
    manifest = connector.manifest
    stored = {secret.name: secret for secret in await list_secrets(session, connection_id)}
    credentials = []
    for field in manifest.secrets:
        secret = stored.get(field.name)
        set_at, set_by = (secret.set_at, secret.set_by) if secret else (None, "")
        credentials.append(CredentialView(field.name, translate(field.label), secret is not None, set_at, set_by))
    return ConnectionDetail(
        id=found.id,
        kind=found.kind,
        title=manifest.title,
        name=found.name,
        base_url=found.base_url,
        environment=Environment(found.environment),
        state=found.state,
        settings={field.name: found.settings.get(field.name, field.default) for field in manifest.settings},
        credentials=credentials,
        credentials_expire_on=found.credentials_expire_on,
        jurisdiction=found.jurisdiction,
        partner_id=found.partner_id,
        is_source=found.is_source,
        writes=found.writes,
        webhook_path=f"/hooks/{found.id}" if found.takes_webhooks else "",
        created_at=found.created_at,
        revision=found.revision,
    )


def hook_credential(detail: ConnectionDetail) -> CredentialView | None:
    """The webhook secret, if the connector has one."""
    return next((one for one in detail.credentials if one.name == HOOK_SECRET), None)


async def list_health_spells(session: AsyncSession, connection_id: UUID) -> Sequence[HealthSpell]:
    """The latest periods in which the connection failed or was paused, newest first. Failures shorter than five minutes
    are not included, because they leave no exception.
    """
    rows = await session.execute(
        text(f"""
            SELECT e.code, e.opened_at, e.closed_at, e.params FROM governance_exception e
             WHERE e.tenant_id = :t AND {ABOUT_HEALTH.format("e.")} AND e.subject = :subject
             ORDER BY e.opened_at DESC, e.id LIMIT :many
        """),
        {"t": scope_of(session).tenant_id, "many": _HISTORY, "subject": str(connection_id)},
    )
    return [_spell(row) for row in rows]


def _spell(row: Row[Any]) -> HealthSpell:
    error = row.params.get("error", "")
    reason = error if isinstance(error, str) else write_reason(to_message(error))
    return HealthSpell(row.code, row.opened_at, row.closed_at, reason or "")
