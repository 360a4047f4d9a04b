"""A member's own notifications: reading them, and choosing which ones to get."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput, NotFound
from foundation.i18n.localizer import translate
from foundation.marks import N_
from tenants.mail.mailer import Portal
from tenants.models import Member, Notification, NotificationSetting
from tenants.notifications.audit_actions import NotificationAction
from tenants.notifications.defaults import find_default
from tenants.notifications.delivery import NOTHING_SET, settings_of, to_stored
from tenants.notifications.inputs import check_settings
from tenants.notifications.kinds import kinds_for, known_kinds
from tenants.notifications.schemas import (
    DefaultsView,
    KindView,
    NotificationSettings,
    NotificationView,
    SettingsView,
)


def notification_view(row: Notification) -> NotificationView:
    text = notice_text(row.kind, row.params, row.number)
    return NotificationView(
        id=row.id, kind=row.kind, severity=row.severity, text=text, account=row.account, number=row.number,
        href=row.href if row.number == 1 else row.list_href, happened_at=row.happened_at, read_at=row.read_at,
    )  # fmt: skip


def notice_text(code: str, params: Mapping[str, Any], number: int) -> str:
    """The sentence of one cause, or of `number` causes, in the reader's language."""
    kind = known_kinds().get(code)
    if kind is None:  # of another release
        return code
    if number > 1:
        return translate(kind.many, number=number)
    try:
        return translate(kind.text, **params)
    except KeyError:  # of another release
        return translate(kind.label)


def settings_view(
    chosen: NotificationSettings, *, is_partner: bool = False, follows_account: bool = False
) -> SettingsView:
    same = set(SettingsView.__struct_fields__) & set(NotificationSettings.__struct_fields__)
    return SettingsView(
        kinds=kind_views(chosen, is_partner=is_partner), follows_account=follows_account,
        **{name: getattr(chosen, name) for name in same},
    )  # fmt: skip


def defaults_view(found: NotificationSettings | None) -> DefaultsView:
    """The account's settings for members who have chosen none; those of the product if `found` is None."""
    shown = found or NOTHING_SET
    same = set(DefaultsView.__struct_fields__) & set(NotificationSettings.__struct_fields__)
    return DefaultsView(
        kinds=kind_views(shown), is_set=found is not None, **{name: getattr(shown, name) for name in same}
    )


def kind_views(chosen: NotificationSettings, *, is_partner: bool = False) -> Sequence[KindView]:
    return [
        KindView(
            kind.code, translate(kind.label), kind.severity, kind.code in chosen.muted,
            chosen.mail_kinds.get(kind.code), kind.code in chosen.webhook_kinds,
        )
        for kind in kinds_for(is_partner=is_partner).values()
    ]  # fmt: skip


async def mark_read(session: AsyncSession, member_id: UUID, notification_id: UUID, *, now: datetime) -> Notification:
    """Mark a notification as read, by its member only: not during an impersonation. Idempotent.

    Raises:
        NotFound: the member has no such notification.
    """
    own = (
        Notification.tenant_id == scope_of(session).tenant_id,
        Notification.member_id == member_id,
        Notification.id == notification_id,
    )
    found = await session.scalar(select(Notification).where(*own))
    if found is None:
        raise NotFound
    if found.read_at is None and not scope_of(session).actor.looks_as:
        await session.execute(update(Notification).where(*own, Notification.read_at.is_(None)).values(read_at=now))
    return found


async def mark_all_read(session: AsyncSession, member_id: UUID, *, now: datetime) -> int:
    """Mark all notifications of the member as read. Returns the number of those that were unread."""
    own = (Notification.tenant_id == scope_of(session).tenant_id, Notification.member_id == member_id)
    marked = update(Notification).where(*own, Notification.read_at.is_(None)).values(read_at=now)
    return len((await session.scalars(marked.returning(Notification.id))).all())


async def load_settings(session: AsyncSession, member_id: UUID) -> tuple[NotificationSettings, bool]:
    """The member's settings; those of the account, and true, where they have chosen none."""
    own = await _find_settings(session, member_id)
    if own is not None:
        return settings_of(own), False
    partner = await session.scalar(
        select(Member.partner_id).where(Member.tenant_id == scope_of(session).tenant_id, Member.id == member_id)
    )
    return settings_of(await find_default(session) if partner is None else None), True


async def _find_settings(session: AsyncSession, member_id: UUID) -> NotificationSetting | None:
    own = (NotificationSetting.tenant_id == scope_of(session).tenant_id, NotificationSetting.member_id == member_id)
    found: NotificationSetting | None = await session.scalar(select(NotificationSetting).where(*own))
    return found


async def save_settings(
    session: AsyncSession, member_id: UUID, chosen: NotificationSettings, *, portal: Portal, now: datetime
) -> None:
    """Set which notifications a member of the scope's account gets, from the next cause on. Links in mails lead to
    `portal`.

    Raises:
        InvalidInput: an unknown kind, times that do not go together, or webhooks of a partner's member.
    """
    check_settings(chosen)
    scope = scope_of(session)
    values = {
        "muted": sorted(set(chosen.muted)), "least_severity": chosen.least_severity,
        "delivery": msgspec.to_builtins(to_stored(chosen, portal)),
    }  # fmt: skip
    partner = await session.scalar(
        select(Member.partner_id).where(Member.tenant_id == scope.tenant_id, Member.id == member_id)
    )
    if partner is not None and chosen.webhook_kinds:
        raise InvalidInput(N_("Members of a trading partner have no webhooks."), field="webhook_kinds")
    own = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "member_id": member_id, "partner_id": partner}
    statement = insert(NotificationSetting).values(**own, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "member_id"], set_=dict(values)))
    append_audit(
        session, action=NotificationAction.SETTINGS_CHANGED, subject=f"member:{member_id}",
        data=msgspec.to_builtins(chosen), at=now,
    )  # fmt: skip


async def follow_account(session: AsyncSession, member_id: UUID, *, now: datetime) -> None:
    """Drop the member's own settings: they get what the account sets for members who have chosen none. Idempotent."""
    own = (NotificationSetting.tenant_id == scope_of(session).tenant_id, NotificationSetting.member_id == member_id)
    gone = await session.scalar(delete(NotificationSetting).where(*own).returning(NotificationSetting.member_id))
    if gone is not None:
        append_audit(
            session, action=NotificationAction.SETTINGS_REMOVED, subject=f"member:{member_id}", data={}, at=now
        )
