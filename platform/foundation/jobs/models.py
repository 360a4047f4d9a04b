"""Tables of the lanes: each tenant's ordered job queues. PostgreSQL is authoritative; the ready queue in Valkey only
wakes workers.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from foundation.jobs.states import DeadLetterState


class LaneShare(TenantOwned, Base):
    """A tenant's share of the workers: its pool, its weight in the round robin, and the maximum of lanes running at
    once.

    While `resting`, no batch starts; jobs are kept, in order. At `repair_at` the tenant's timers are checked
    (`jobs.repair`).
    """

    __tablename__ = "lane_share"

    pool: Mapped[str] = mapped_column(server_default="shared")
    weight: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    cap: Mapped[int] = mapped_column(SmallInteger, server_default="4")
    resting: Mapped[bool] = mapped_column(server_default="false")
    repair_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp() + interval '5 minutes'"))

    __table_args__ = (Index("ix_lane_share_repair_at", "repair_at", postgresql_where=text("NOT resting")),)


class Lane(TenantOwned, Base):
    """A lane and its lease. `fence` increases with each lease; completing a batch requires the current one.

    `failure_count` halves the next batch after a failure; `crash_count` counts consecutive batches whose worker process
    died.
    """

    __tablename__ = "lane"

    name: Mapped[str] = mapped_column(primary_key=True)
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    holder: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    failure_count: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    crash_count: Mapped[int] = mapped_column(SmallInteger, server_default="0")


class Job(TenantOwned, Base):
    """A job. Jobs of one `key` in a lane run in the order of `seq`.

    `is_retry`: a remote call for this job has failed before, so the next one spends retry budget.
    """

    __tablename__ = "job"

    lane: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str]
    key: Mapped[str]
    ref: Mapped[UUID | None]
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    delayed: Mapped[bool] = mapped_column(server_default="false")
    is_retry: Mapped[bool] = mapped_column(server_default="false")
    ready_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    enqueued_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # a message
    correlation: Mapped[str] = mapped_column(server_default="")

    __table_args__ = (
        Index("ix_job_delayed", "tenant_id", "lane", "key", postgresql_where=text("delayed")),
        Index("ix_job_due", "ready_at", postgresql_where=text("delayed")),
    )


class DeadLetter(TenantOwned, Base):
    """A failed job. A member replays or discards it; it is never dropped."""

    __tablename__ = "dead_letter"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lane: Mapped[str]
    kind: Mapped[str]
    key: Mapped[str]
    ref: Mapped[UUID | None]
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    attempts: Mapped[int] = mapped_column(SmallInteger)
    error: Mapped[dict[str, Any]] = mapped_column(JSONB)  # a message
    enqueued_at: Mapped[datetime]
    died_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default=DeadLetterState.OPEN)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    correlation: Mapped[str] = mapped_column(server_default="")
    noticed_at: Mapped[datetime | None]
    """Time at which members were notified."""

    __table_args__ = (
        Index("ix_dead_letter_state", "tenant_id", "state", "died_at"),
        Index("ix_dead_letter_unnoticed", "tenant_id", postgresql_where="noticed_at IS NULL AND state = 'open'"),
    )


class Timer(TenantOwned, Base):
    """A job scheduled for a time: one row per tenant and name, however often it is set."""

    __tablename__ = "timer"

    name: Mapped[str] = mapped_column(primary_key=True)
    lane: Mapped[str]
    kind: Mapped[str]
    due_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_timer_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),)
