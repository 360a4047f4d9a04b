"""Table of deliveries of notifications outside the app."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class NotificationDelivery(TenantOwned, Base):
    """One cause for one member over one channel, a `NoticeChannel`. The other columns are those of `Notification`.

    `job_seq`: number of the job that reported the cause, so that a job that runs twice adds nothing. `subject` is
    the page of the cause: mails about the same subject are not repeated within an hour. `done_at` is set when the
    delivery is sent or skipped.
    """

    __tablename__ = "notification_delivery"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    channel: Mapped[str]
    job_seq: Mapped[str]
    kind: Mapped[str]
    topic: Mapped[str]
    subject: Mapped[str]
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    list_href: Mapped[str]
    account: Mapped[str]
    number: Mapped[int]
    happened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_notification_delivery_job", "tenant_id", "member_id", "channel", "job_seq", unique=True),
        Index("ix_notification_delivery_due", "tenant_id", "due_at", postgresql_where=text("done_at IS NULL")),
        Index("ix_notification_delivery_subject", "tenant_id", "member_id", "kind", "subject", "done_at"),
    )
