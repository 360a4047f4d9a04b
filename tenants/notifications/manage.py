"""A member's own notifications: reading them, and choosing which ones to get."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput, NotFound
from foundation.i18n.localizer import translate
from foundation.marks import N_
from tenants.models import Notification, NotificationSetting
from tenants.notifications.audit_actions import NotificationAction
from tenants.notifications.kinds import NoticeSeverity, known_kinds
from tenants.notifications.schemas import KindView, NotificationSettings, NotificationView, SettingsView

_NOTHING_MUTED: Final = NotificationSettings([])


def notification_view(row: Notification) -> NotificationView:
    return NotificationView(
        id=row.id, kind=row.kind, severity=row.severity, text=_text(row), account=row.account, number=row.number,
        href=row.href if row.number == 1 else row.list_href, happened_at=row.happened_at, read_at=row.read_at,
    )  # fmt: skip


def _text(row: Notification) -> str:
    kind = known_kinds().get(row.kind)
    if kind is None:  # of another release
        return row.kind
    if row.number > 1:
        return translate(kind.many, number=row.number)
    try:
        return translate(kind.text, **row.params)
    except KeyError:  # of another release
        return translate(kind.label)


def settings_view(chosen: NotificationSettings) -> SettingsView:
    kinds = [
        KindView(kind.code, translate(kind.label), kind.severity, kind.code in chosen.muted)
        for kind in known_kinds().values()
    ]
    return SettingsView(chosen.least_severity, kinds)


async def mark_read(session: AsyncSession, member_id: UUID, notification_id: UUID, *, now: datetime) -> Notification:
    """Mark one as read. Idempotent. Raises: NotFound: the member has no such notification."""
    own = (
        Notification.tenant_id == scope_of(session).tenant_id,
        Notification.member_id == member_id,
        Notification.id == notification_id,
    )
    found = await session.scalar(select(Notification).where(*own))
    if found is None:
        raise NotFound
    if found.read_at is None:
        await session.execute(update(Notification).where(*own, Notification.read_at.is_(None)).values(read_at=now))
    return found


async def mark_all_read(session: AsyncSession, member_id: UUID, *, now: datetime) -> int:
    """Mark all of the member's as read. Returns how many were not."""
    own = (Notification.tenant_id == scope_of(session).tenant_id, Notification.member_id == member_id)
    marked = update(Notification).where(*own, Notification.read_at.is_(None)).values(read_at=now)
    return len((await session.scalars(marked.returning(Notification.id))).all())


async def load_settings(session: AsyncSession, member_id: UUID) -> NotificationSettings:
    own = (NotificationSetting.tenant_id == scope_of(session).tenant_id, NotificationSetting.member_id == member_id)
    found = await session.scalar(select(NotificationSetting).where(*own))
    if found is None:
        return _NOTHING_MUTED
    least = NoticeSeverity.of(found.least_severity)
    return NotificationSettings(list(found.muted), least.value)  # type: ignore[arg-type]


async def save_settings(session: AsyncSession, member_id: UUID, chosen: NotificationSettings, *, now: datetime) -> None:
    """Set which notifications a member of the scope's account gets, from the next cause on.

    Raises:
        InvalidInput: an unknown kind or severity.
    """
    unknown = sorted(set(chosen.muted) - known_kinds().keys())
    if unknown:
        raise InvalidInput(N_("There is no notification “{kind}”."), params={"kind": unknown[0]}, field="muted")
    if chosen.least_severity not in set(NoticeSeverity):
        raise InvalidInput(N_("There is no such severity."), field="least_severity")
    scope = scope_of(session)
    values = {"muted": sorted(set(chosen.muted)), "least_severity": chosen.least_severity}
    own = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "member_id": member_id}
    statement = insert(NotificationSetting).values(**own, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "member_id"], set_=dict(values)))
    append_audit(
        session, action=NotificationAction.SETTINGS_CHANGED, subject=f"member:{member_id}", data=values, at=now
    )
