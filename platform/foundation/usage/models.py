"""The usage ledger. Append-only: the application may insert and read, never update or delete."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned

QUANTITY: Final = "abs(quantity) < 1e19 AND scale(quantity) <= 9"
"""Condition of a quantity: at most 19 digits before the point and 9 after, so neither NaN nor infinite."""


class UsageEvent(TenantOwned, Base):
    """One usage of one meter, identified by (meter, id): `id` is that of the metered object, so a repeat counts once.

    `subject_id` is the id of the object it was used for, by which the metering room describes the usage. `is_reversal`:
    the row reverses another row and is no event of its own. The sign of the quantity is no indication, because it may
    be 0. `recording_id`: see `UsageRollup`.
    """

    __tablename__ = "usage_event"

    meter: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    occurred_at: Mapped[datetime]
    subject_id: Mapped[UUID | None]
    is_reversal: Mapped[bool] = mapped_column(server_default="false")
    recording_id: Mapped[UUID] = mapped_column(server_default=str(UUID(int=0)))

    # Rows are inserted in the order of time, so a BRIN index finds the last days at almost no cost.
    __table_args__ = (
        Index("ix_usage_event_occurred", "tenant_id", "occurred_at", postgresql_using="brin"),
        CheckConstraint(QUANTITY, name="quantity"),
    )


class UsageRollup(TenantOwned, Base):
    """Sum of the events of one meter and one hour, in UTC, that one statement entered: its recording. Written by that
    statement, so that no event is visible without its roll-up, and never changed. Events from before the introduction
    of roll-ups have the recording 0.

    `rows` counts the events and the reversals, `events` the former less the latter. The ids of the events are from
    `first_id` to `last_id`, among those of other roll-ups.
    """

    __tablename__ = "usage_rollup"

    meter: Mapped[str] = mapped_column(primary_key=True)
    recording_id: Mapped[UUID] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    rows: Mapped[int] = mapped_column(BigInteger)
    events: Mapped[int] = mapped_column(BigInteger)
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    first_id: Mapped[UUID]
    last_id: Mapped[UUID]

    __table_args__ = (Index("ix_usage_rollup_last", "tenant_id", "last_at", postgresql_using="brin"),)
