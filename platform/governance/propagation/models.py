"""Tables of propagations and of the values last read on channels."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import REAL, BigInteger, Index, Integer, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from governance.propagation.states import RUNNING


class Propagation(TenantOwned, Base):
    """One change to one channel. `id` is the idempotency key of its effect.

    `state` as in `governance.propagation.states`. Only `verified` stops the clock: the value was read back on the
    channel. The clock starts at `released_at`; see `governance.propagation.delivery`.
    """

    __tablename__ = "propagation"

    change_id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID | None]
    id: Mapped[UUID]
    record_key: Mapped[str]
    element: Mapped[str]
    dimension: Mapped[str] = mapped_column(server_default="")
    record_type: Mapped[str] = mapped_column(server_default="product")
    value: Mapped[dict[str, Any]] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    committed_at: Mapped[datetime]
    released_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    slo_due_at: Mapped[datetime]
    excluded: Mapped[timedelta] = mapped_column(server_default=text("'0'::interval"))
    excluded_until: Mapped[datetime | None]
    breached: Mapped[bool] = mapped_column(server_default="false")
    sent_at: Mapped[datetime | None]
    """Earliest time of a possible effect without a recorded acceptance: the answer was lost, or it was replayed."""
    accepted_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    read_value: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    previous_value: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # a message

    __table_args__ = (
        Index(
            "ix_propagation_partner",
            "tenant_id",
            "partner_id",
            "change_id",
            postgresql_where=text("partner_id IS NOT NULL"),
        ),
        Index(
            "ix_propagation_clock",
            "tenant_id",
            "slo_due_at",
            postgresql_where=text(f"NOT breached AND {RUNNING}"),
        ),
        Index(
            "ix_propagation_running",
            "tenant_id",
            "connection_id",
            "record_key",
            "element",
            "dimension",
            "record_type",
            postgresql_where=text(RUNNING),
        ),
    )


class PropagationAttempt(TenantOwned, Base):
    """One push of one value, see `governance.propagation.attempts`. Without an answer, the value was possibly shown."""

    __tablename__ = "propagation_attempt"

    change_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID]
    record_key: Mapped[str]
    element: Mapped[str]
    sent: Mapped[dict[str, Any]] = mapped_column(JSONB)
    is_retry: Mapped[bool]
    started_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    status_code: Mapped[int | None] = mapped_column(SmallInteger)
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # a message
    retry_after: Mapped[float | None] = mapped_column(REAL)
    duration_ms: Mapped[int | None] = mapped_column(Integer)
    bytes: Mapped[int | None] = mapped_column(Integer)
    read: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class ChannelValue(TenantOwned, Base):
    """The value last read on a channel."""

    __tablename__ = "channel_value"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    record_key: Mapped[str] = mapped_column(primary_key=True)
    element: Mapped[str] = mapped_column(primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True, server_default="")
    record_type: Mapped[str] = mapped_column(primary_key=True, server_default="product")
    partner_id: Mapped[UUID | None]
    value: Mapped[dict[str, Any]] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(BigInteger)
    change_id: Mapped[UUID | None]  # null: read by a baseline, not sent by us
    seen_at: Mapped[datetime]
