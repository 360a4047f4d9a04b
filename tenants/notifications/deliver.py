"""Planning of deliveries outside the app, in the transaction that writes the notifications: mails are scheduled, events
for webhooks are published.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.events import DomainEvent, publish
from foundation.ids import NewId
from foundation.jobs.enqueue import set_timer
from tenants.notifications.delivery import NoticeChannel, delivery_time, mail_due_at, mail_mode, wants_webhook
from tenants.notifications.events import NOTIFICATION_SENT, SentNotification
from tenants.notifications.job_types import LANE, SEND_NOTICES
from tenants.notifications.kinds import NotificationKind, known_kinds
from tenants.notifications.models import NotificationDelivery as Delivery
from tenants.notifications.recipients import Concerned
from tenants.notifications.timing import SAME_AGAIN, MailMode


async def plan_deliveries(  # noqa: PLR0913, PLR0917 - the parts of one cause
    session: AsyncSession, new_id: NewId, kind: NotificationKind, members: Sequence[Concerned],
    values: dict[str, object], now: datetime,
) -> None:  # fmt: skip
    """Plan the deliveries of a cause. `values` are the columns that they share. A cause that was planned before adds
    nothing.
    """
    mailed = [one for one in members if mail_mode(one.settings, kind) is not MailMode.OFF]
    heard = {
        one.member_id: delivery_time(one.settings, kind, zone=one.time_zone, now=now)
        for one in members
        if wants_webhook(one.settings, kind)
    }
    due = await _due_times(session, kind, mailed, str(values["subject"]), now) if mailed else {}
    rows = [
        values
        | {"id": new_id(), "member_id": member, "channel": channel, "due_at": at, "done_at": _done(channel, at, now)}
        for channel, times in ((NoticeChannel.MAIL, due), (NoticeChannel.WEBHOOK, heard))
        for member, at in times.items()
    ]
    if not rows:
        return
    statement = insert(Delivery).values(rows).on_conflict_do_nothing()
    added = (await session.execute(statement.returning(Delivery.member_id, Delivery.channel, Delivery.due_at))).all()
    for row in added:
        if _done(row.channel, row.due_at, now) is not None:
            _publish(session, kind, row.member_id, values, now)
    first = min((row.due_at for row in added if _done(row.channel, row.due_at, now) is None), default=None)
    if first is not None:
        await set_timer(session, name=SEND_NOTICES.name, lane=LANE, job_type=SEND_NOTICES, due_at=first)


async def _due_times(
    session: AsyncSession, kind: NotificationKind, members: Sequence[Concerned], subject: str, now: datetime
) -> dict[UUID, datetime]:
    same = (
        Delivery.tenant_id == scope_of(session).tenant_id,
        Delivery.member_id.in_([one.member_id for one in members]),
        Delivery.channel == NoticeChannel.MAIL,
        Delivery.kind == kind.code,
        Delivery.subject == subject,
        Delivery.done_at > now - SAME_AGAIN,
    )
    found = select(Delivery.member_id, func.max(Delivery.done_at).label("at")).where(*same).group_by(Delivery.member_id)
    last = {row.member_id: row.at for row in await session.execute(found)}
    return {
        one.member_id: mail_due_at(one.settings, kind, zone=one.time_zone, now=now, last=last.get(one.member_id))
        for one in members
    }


def publish_held(session: AsyncSession, rows: Sequence[Delivery], now: datetime) -> None:
    """Publish the events of due deliveries to webhooks, which quiet hours held back."""
    for row in rows:
        values = {"account": row.account, "number": row.number, "subject": row.subject}
        _publish(session, known_kinds()[row.kind], row.member_id, values, now)


def _done(channel: str, due_at: datetime, now: datetime) -> datetime | None:
    """Events for webhooks are published in this transaction, unless quiet hours hold them back."""
    return now if channel == NoticeChannel.WEBHOOK and due_at <= now else None


def _publish(
    session: AsyncSession, kind: NotificationKind, member: UUID, values: Mapping[str, object], now: datetime
) -> None:
    payload = SentNotification(
        kind.code, str(kind.severity), str(values["account"]), int(str(values["number"])), str(values["subject"])
    )
    publish(session, DomainEvent(NOTIFICATION_SENT, member, now, payload))
