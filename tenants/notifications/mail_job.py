"""Job that sends due mails, one to each member, a summary if several notifications are due; and events for webhooks
that quiet hours held back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import Clock
from foundation.database.engine import scope_of
from foundation.i18n.localizer import localized
from foundation.i18n.negotiation import localizer_of
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import set_timer
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from policy.cache import PolicyCache
from policy.index import PolicyIndex, may
from tenants.mail.mail_types import NOTICE, NOTICE_SUMMARY, Entry, write_entries
from tenants.mail.mailer import Mailer, Portal, Recipient
from tenants.models import Client, Member, Notification, NotificationSetting
from tenants.notifications.deliver import publish_held
from tenants.notifications.delivery import NoticeChannel, stored_delivery
from tenants.notifications.job_types import LANE, SEND_NOTICES
from tenants.notifications.kinds import NotificationKind, known_kinds
from tenants.notifications.manage import notice_text
from tenants.notifications.models import NotificationDelivery as Delivery
from tenants.notifications.portal import find_portal
from tenants.notifications.recipients import account_of
from tenants.recipients import recipient_of
from tenants.states import AccountStatus

_MOST: Final = 500
_KEPT: Final = timedelta(days=7)
"""Long enough to recognise a repeated cause and a mail about the same."""


@dataclass(frozen=True, slots=True)
class NoticeMails:
    """Dependencies of the job. `public_port`: of links to the MSP's host, as in `origin_of`."""

    policies: PolicyCache
    mailer: Mailer
    clock: Clock
    public_port: int | None = None


def send_notices_handler(needs: NoticeMails) -> Handler[NoPayload]:
    async def send_notices(batch: Batch[NoPayload]) -> None:
        async with batch.commit() as session:
            now = needs.clock()
            tenant_id = scope_of(session).tenant_id
            found = await _find_due(session, now)
            for member_id, rows in groupby(found, key=lambda row: row.member_id):
                await _deliver(session, needs, member_id, list(rows), now)
            done = (Delivery.tenant_id == tenant_id, Delivery.id.in_([row.id for row in found]))
            await session.execute(update(Delivery).where(*done).values(done_at=now))
            await session.execute(
                delete(Delivery).where(Delivery.tenant_id == tenant_id, Delivery.done_at < now - _KEPT)
            )
            waiting = (Delivery.tenant_id == tenant_id, Delivery.done_at.is_(None))
            due_at = await session.scalar(select(func.min(Delivery.due_at)).where(*waiting))
            if due_at is not None:
                await set_timer(session, name=SEND_NOTICES.name, lane=LANE, job_type=SEND_NOTICES, due_at=due_at)

    return send_notices


async def _find_due(session: AsyncSession, now: datetime) -> Sequence[Delivery]:
    own = Delivery.tenant_id == scope_of(session).tenant_id
    due = select(Delivery).where(own, Delivery.done_at.is_(None), Delivery.due_at <= now)
    return (
        await session.scalars(due.order_by(Delivery.member_id, Delivery.happened_at, Delivery.id).limit(_MOST))
    ).all()


async def _deliver(
    session: AsyncSession, needs: NoticeMails, member_id: UUID, due: Sequence[Delivery], now: datetime
) -> None:
    """Send a member's mail, and publish the events that quiet hours held back. Nothing is sent to an inactive member,
    about kinds that they may no longer see, or about notifications that they have read.
    """
    own = (Member.tenant_id == scope_of(session).tenant_id, Member.id == member_id)
    member = await session.scalar(select(Member).where(*own, Member.status == AccountStatus.ACTIVE))
    if member is None:
        return
    wanted = await _still_wanted(session, needs.policies, member_id, due)
    publish_held(session, [row for row in wanted if row.channel == NoticeChannel.WEBHOOK], now)
    mailed = [row for row in wanted if row.channel == NoticeChannel.MAIL]
    if mailed:
        await _send_to(session, needs, member, mailed, now)


async def _send_to(
    session: AsyncSession, needs: NoticeMails, member: Member, wanted: Sequence[Delivery], now: datetime
) -> None:
    settings = await session.scalar(
        select(NotificationSetting).where(
            NotificationSetting.tenant_id == scope_of(session).tenant_id, NotificationSetting.member_id == member.id
        )
    )
    portal = stored_delivery(settings).portal
    if settings is None and member.partner_id is None:
        portal = await find_portal(session, public_port=needs.public_port)
    if not portal.origin:
        return
    to, account = await recipient_of(session, member), await account_of(session)
    root = f"/clients/{account.slug}" if isinstance(account, Client) else ""
    with localized(localizer_of(to.language, to.time_zone)):
        topics = [list(rows) for _, rows in groupby(sorted(wanted, key=_topic), key=_topic)]
        entries = [_entry(rows, portal.origin) for rows in topics]
    if len(entries) == 1:
        (one,), last = entries, wanted[-1]
        await needs.mailer.queue(
            session, NOTICE, to, portal=portal, now=now, account=last.account or account.name, notice=one.text,
            at=last.happened_at, link=one.link,
        )  # fmt: skip
    else:
        await _send_summary(session, needs, to, portal, account.name, topics, entries, f"{root}/notifications", now)


async def _send_summary(  # noqa: PLR0913, PLR0917 - the parts of one mail
    session: AsyncSession, needs: NoticeMails, to: Recipient, portal: Portal, account: str,
    topics: Sequence[Sequence[Delivery]], entries: Sequence[Entry], path: str, now: datetime,
) -> None:  # fmt: skip
    named = [
        Entry(f"{rows[0].account}: {one.text}" if rows[0].account else one.text, one.link)
        for rows, one in zip(topics, entries, strict=True)
    ]
    await needs.mailer.queue(
        session, NOTICE_SUMMARY, to, portal=portal, now=now, account=account, number=str(len(named)),
        entries=write_entries(named), link=f"{portal.origin}{path}",
    )  # fmt: skip


async def _still_wanted(
    session: AsyncSession, policies: PolicyCache, member_id: UUID, due: Sequence[Delivery]
) -> list[Delivery]:
    scope = scope_of(session)
    index = await policies.index_for(session, scope)
    read = exists().where(
        Notification.tenant_id == Delivery.tenant_id, Notification.member_id == Delivery.member_id,
        Notification.kind == Delivery.kind, Notification.topic == Delivery.topic,
        Notification.read_at >= Delivery.happened_at,
    )  # fmt: skip
    ids = [row.id for row in due if row.channel == NoticeChannel.MAIL]  # webhooks also carry read notifications
    known = select(Delivery.id).where(Delivery.tenant_id == scope.tenant_id, Delivery.id.in_(ids), read)
    seen, kinds = set(await session.scalars(known)), known_kinds()
    return [
        row for row in due if row.id not in seen and row.kind in kinds and _may_see(index, member_id, kinds[row.kind])
    ]


def _may_see(index: PolicyIndex, member_id: UUID, kind: NotificationKind) -> bool:
    obj, _, act = kind.permission.partition(":")
    return may(index, str(member_id), obj, act).allowed


def _topic(row: Delivery) -> tuple[str, str]:
    return row.kind, row.topic


def _entry(rows: Sequence[Delivery], origin: str) -> Entry:
    """The entry of a mail: with the cause's own page if there is one cause, else with the list."""
    number, last = sum(row.number for row in rows), rows[-1]
    same_page = len({row.subject for row in rows}) == 1
    href = last.subject if same_page and (number == 1 or len(rows) > 1) else last.list_href
    return Entry(notice_text(last.kind, last.params, number), f"{origin}{href}")
