"""Notification of members: a job, enqueued in the transaction of the cause, writes a row for each member concerned.

The transaction of the cause does not write the rows itself, because those of the MSP's staff are in another account,
which row-level security hides from it, and because a batch with thousands of causes must not wait for them. The job
is enqueued if, and only if, its cause is committed.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.i18n.messages import to_param
from foundation.jobs.enqueue import NewJob, enqueue
from tenants.notifications.job_types import LANE, NOTIFY, NotifyMembers
from tenants.notifications.kinds import NotificationKind


def notify(  # noqa: PLR0913 - keyword-only parts of one notification
    session: AsyncSession,
    kind: NotificationKind,
    *,
    topic: str,
    path: str,
    at: datetime,
    params: Mapping[str, object] | None = None,
    number: int = 1,
    members: list[UUID] | None = None,
    partner_id: UUID | None = None,
) -> None:
    """Notify the members whom `kind` concerns, in the account of the session's scope and of its MSP; with `partner_id`,
    those of that trading partner. `number` causes of one batch are one notification; unread ones of the same `topic`
    are counted together.
    """
    if kind.partner is not (partner_id is not None):
        raise ValueError("a partner's kind names the partner, and no other does")
    actor = scope_of(session).actor
    payload = NotifyMembers(
        kind=kind.code, topic=topic, path=path, at=at, number=number, members=members or [],
        params={name: to_param(value) for name, value in (params or {}).items()},
        by=str(actor.responsible_member_id or ""), partner_id=partner_id,
    )  # fmt: skip
    enqueue(session, [NewJob(LANE, NOTIFY, key=kind.code, payload=payload)])
