"""Repair of the exceptions about messages that no room reads (`foundation.jobs.repair`)."""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import UNCLAIMED_MESSAGES
from foundation.database.engine import scope_of
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import auto_resolve

_GONE: Final = text(f"""
    SELECT e.subject FROM governance_exception e
     WHERE e.tenant_id = :t AND e.state = 'open' AND e.code = :code AND NOT EXISTS (
           SELECT 1 FROM {UNCLAIMED_MESSAGES} u WHERE u.tenant_id = :t AND u.connection_id = e.connection_id
              AND u.message_type = split_part(e.subject, ':', 2))
     ORDER BY e.subject
""")


async def repair_unclaimed(session: AsyncSession, now: datetime) -> None:
    """Resolve exceptions whose messages were deleted: retention removes them with their source messages."""
    code = ExceptionType.MESSAGE_UNCLAIMED
    gone = (await session.scalars(_GONE, {"t": scope_of(session).tenant_id, "code": code})).all()
    await auto_resolve(session, code, gone, now=now)
