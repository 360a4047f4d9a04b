"""Signing secrets of endpoints: encrypted in the vault, and valid for a while after a rotation."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.webhooks.signatures import write_secret
from foundation.database.engine import scope_of
from foundation.ids import new_id
from foundation.vault.rotation import EncryptedColumn
from webhooks.models import WebhookSecret
from webhooks.services import WebhookServices

OVERLAP: Final = timedelta(hours=24)
"""Time for which the previous secret signs too."""
SEALED: Final = EncryptedColumn("webhook_secret", "ciphertext", "webhook-secret:{id}")
_SECRET_BYTES: Final = 32


async def add_secret(session: AsyncSession, services: WebhookServices, endpoint_id: UUID, *, now: datetime) -> str:
    """Create and return the endpoint's current secret, which only the caller can show."""
    scope, secret_id = scope_of(session), new_id()
    secret = write_secret(services.new_secret(_SECRET_BYTES))
    sealed = await services.vault.encrypt(session, SEALED.purpose.format(id=secret_id), secret.encode())
    session.add(
        WebhookSecret(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=secret_id, endpoint_id=endpoint_id, ciphertext=sealed,
            created_at=now, expires_at=None,
        )
    )  # fmt: skip
    await session.flush()
    return secret


async def retire_secrets(session: AsyncSession, endpoint_id: UUID, *, now: datetime, until: datetime) -> None:
    """Set the current secret to expire at `until`; delete secrets retired before, so that at most two sign."""
    binds = {"t": scope_of(session).tenant_id, "e": endpoint_id}
    await session.execute(
        text("DELETE FROM webhook_secret WHERE tenant_id = :t AND endpoint_id = :e AND expires_at IS NOT NULL"), binds
    )
    await session.execute(
        text("UPDATE webhook_secret SET expires_at = :until WHERE tenant_id = :t AND endpoint_id = :e"),
        {**binds, "until": max(until, now)},
    )


async def delete_secrets(session: AsyncSession, endpoint_id: UUID) -> None:
    await session.execute(
        text("DELETE FROM webhook_secret WHERE tenant_id = :t AND endpoint_id = :e"),
        {"t": scope_of(session).tenant_id, "e": endpoint_id},
    )


async def load_secrets(session: AsyncSession, services: WebhookServices, endpoint_id: UUID, *, now: datetime) -> bytes:
    """The secrets to sign with, the current one first, separated by spaces."""
    rows = await session.execute(
        text("""
            SELECT id, ciphertext FROM webhook_secret
             WHERE tenant_id = :t AND endpoint_id = :e AND (expires_at IS NULL OR expires_at > :now)
             ORDER BY expires_at NULLS FIRST
        """),
        {"t": scope_of(session).tenant_id, "e": endpoint_id, "now": now},
    )
    opened = [
        await services.vault.decrypt(session, SEALED.purpose.format(id=row.id), bytes(row.ciphertext)) for row in rows
    ]
    return b" ".join(opened)
