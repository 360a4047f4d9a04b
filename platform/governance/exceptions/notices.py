"""Notifications about severe exceptions, once for each that is opened."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from governance.exception_types import ExceptionType
from governance.exceptions.states import IS_OPEN
from governance.notices import CONNECTION_FAILING, EXCEPTION_OPENED
from tenants.notifications.notify import notify

SEVERE: Final = 60
"""Severity from which members are notified."""
_CONNECTIONS: Final = frozenset({ExceptionType.CONNECTION_FAILING, ExceptionType.CONNECTION_PAUSED})
_KNOWN: Final = text(f"""
    SELECT e.code, e.subject FROM unnest(CAST(:codes AS varchar[]), CAST(:subjects AS varchar[])) AS w (code, subject)
      JOIN governance_exception e ON e.tenant_id = :t AND e.code = w.code AND e.subject = w.subject AND e.{IS_OPEN}
""")


async def unknown_among(session: AsyncSession, severe: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Codes and subjects of which no exception is open yet."""
    if not severe:
        return set()
    codes, subjects = map(list, zip(*severe, strict=True))
    binds = {"t": scope_of(session).tenant_id, "codes": codes, "subjects": subjects}
    known = {(row.code, row.subject) for row in await session.execute(_KNOWN, binds)}
    return set(severe) - known


def notify_severe(session: AsyncSession, opened: Sequence[tuple[UUID, UUID | None, str]], now: datetime) -> None:
    """Notify about severe exceptions. `opened` are ids, connections and codes. Those about a whole connection are
    separate notifications.
    """
    others = [one for one, _, code in opened if code not in _CONNECTIONS]
    for _, connection_id, code in opened:
        if code in _CONNECTIONS:
            path = f"/connections/{connection_id}"
            notify(session, CONNECTION_FAILING, topic=str(connection_id), path=path, at=now)
    if others:
        path = f"/exceptions/{others[0]}"
        notify(session, EXCEPTION_OPENED, topic="exceptions", path=path, at=now, number=len(others))
