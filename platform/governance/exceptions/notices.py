"""Notifications about exceptions, once for each that is opened: severe ones, and those about a connection or webhook.

Severity ranks exceptions. An unreachable system ranks low, because no value is known to differ, so its types are
notified at any severity.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from governance.exception_types import ExceptionType
from governance.exceptions.states import IS_OPEN
from governance.notices import (
    CHANNEL_DIFFERS,
    CHANNEL_LATE,
    CHANNEL_NOT_ACCEPTED,
    CONNECTION_FAILING,
    EXCEPTION_OPENED,
    WEBHOOK_PAUSED,
)
from tenants.notifications.kinds import NotificationKind
from tenants.notifications.notify import notify

SEVERE: Final = 60
"""Severity from which members are notified."""
_ALWAYS: Final[Mapping[str, NotificationKind]] = {
    ExceptionType.CONNECTION_FAILING: CONNECTION_FAILING,
    ExceptionType.CONNECTION_PAUSED: CONNECTION_FAILING,
    ExceptionType.WEBHOOK_PAUSED: WEBHOOK_PAUSED,
}
"""Types with a kind of their own. The exception's subject is the id of the connection or webhook."""
_OF_PARTNERS: Final[Mapping[str, NotificationKind]] = {
    ExceptionType.PROPAGATION_SLO_BREACHED: CHANNEL_LATE,
    ExceptionType.PROPAGATION_REFUSED: CHANNEL_NOT_ACCEPTED,
    ExceptionType.PROPAGATION_FAILED: CHANNEL_NOT_ACCEPTED,
    ExceptionType.CHANNEL_DRIFT: CHANNEL_DIFFERS,
}
"""Types about a channel that its trading partner can mend. A partner sees no exception, only its own deliveries."""
_PARTNERS: Final = text(f"""
    SELECT n.id, n.partner_id FROM {CONNECTIONS} n
     WHERE n.tenant_id = :t AND n.id = ANY (CAST(:ids AS uuid[])) AND n.partner_id IS NOT NULL
""")
_KNOWN: Final = text(f"""
    SELECT e.code, e.subject FROM unnest(CAST(:codes AS varchar[]), CAST(:subjects AS varchar[])) AS w (code, subject)
      JOIN governance_exception e ON e.tenant_id = :t AND e.code = w.code AND e.subject = w.subject AND e.{IS_OPEN}
""")


def is_notified(code: str, severity: int) -> bool:
    """Whether members are notified when an exception is opened."""
    return code in _ALWAYS or severity >= SEVERE


async def unknown_among(session: AsyncSession, wanted: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the pairs of code and subject without an open exception."""
    if not wanted:
        return set()
    codes, subjects = map(list, zip(*wanted, strict=True))
    binds = {"t": scope_of(session).tenant_id, "codes": codes, "subjects": subjects}
    known = {(row.code, row.subject) for row in await session.execute(_KNOWN, binds)}
    return set(wanted) - known


def notify_opened(session: AsyncSession, opened: Sequence[tuple[UUID, str, str]], now: datetime) -> None:
    """Notify about opened exceptions: their ids, subjects and codes. Severe ones are one notification."""
    severe = [one for one, _, code in opened if code not in _ALWAYS]
    for _, subject, code in opened:
        if (kind := _ALWAYS.get(code)) is not None:
            notify(session, kind, topic=subject, path=f"{kind.path}/{subject}", at=now)
    if severe:
        path = f"/exceptions/{severe[0]}"
        notify(session, EXCEPTION_OPENED, topic="exceptions", path=path, at=now, number=len(severe))


async def notify_partners(
    session: AsyncSession, opened: Iterable[tuple[str, UUID | None, str | None]], now: datetime
) -> None:
    """Notify the partners whose channels opened exceptions are about: their types, connections and record keys."""
    found: dict[tuple[UUID, str], list[str]] = defaultdict(list)
    for code, connection_id, record_key in opened:
        if code in _OF_PARTNERS and connection_id is not None:
            found[connection_id, code].append(record_key or "")
    if not found:
        return
    ids = sorted({connection_id for connection_id, _ in found})
    rows = await session.execute(_PARTNERS, {"t": scope_of(session).tenant_id, "ids": ids})
    partners = {row.id: row.partner_id for row in rows}
    for (connection_id, code), records in sorted(found.items()):
        if (partner_id := partners.get(connection_id)) is not None:
            notify_partner(session, _OF_PARTNERS[code], partner_id, connection_id, records, now)


def notify_partner(  # noqa: PLR0913, PLR0917 - one notification
    session: AsyncSession, kind: NotificationKind, partner_id: UUID, connection_id: UUID, records: Sequence[str],
    now: datetime,
) -> None:  # fmt: skip
    """Notify a channel's partner about values of these records."""
    notify(
        session, kind, topic=str(connection_id), path=kind.path, at=now, params={"record": records[0]},
        number=len(records), partner_id=partner_id,
    )  # fmt: skip
