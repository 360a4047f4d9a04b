"""Expiry of credentials: its days, and the stages in which it is announced."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of

STAGES: Final = (30, 7, 1)
"""Days before the expiry on which it is announced; the last also from then on."""
EARLIEST: Final = timedelta(days=max(STAGES))
"""Time before the expiry from which pages show it."""


class ExpiringCredentials(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    expires_on: date


_TAKE: Final = text("""
    UPDATE connection c SET expiry_stage = d.stage
      FROM (SELECT id, (SELECT min(s) FROM unnest(CAST(:stages AS smallint[])) s
                         WHERE credentials_expire_on - CAST(:today AS date) <= s) AS stage
              FROM connection WHERE tenant_id = :t AND credentials_expire_on IS NOT NULL AND deleted_at IS NULL) d
     WHERE c.tenant_id = :t AND c.id = d.id AND d.stage < coalesce(c.expiry_stage, 32767)
    RETURNING c.id, c.name, c.credentials_expire_on AS expires_on
""")


async def take_expiring(session: AsyncSession, today: date) -> Sequence[ExpiringCredentials]:
    """Take connections that reached a stage not taken before; the caller announces them in the same transaction."""
    binds = {"t": scope_of(session).tenant_id, "today": today, "stages": list(STAGES)}
    rows = (await session.execute(_TAKE, binds)).all()
    return sorted((ExpiringCredentials(*row) for row in rows), key=lambda one: (one.expires_on, one.id))
