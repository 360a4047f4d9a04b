"""The usage ledger. Append-only: the application may insert and read, never update or delete."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned

QUANTITY: Final = "abs(quantity) < 1e19 AND scale(quantity) <= 9"
"""Condition of a quantity: at most 19 digits before the point and 9 after, so neither NaN nor infinite."""


class UsageEvent(TenantOwned, Base):
    """One usage of one meter, identified by (meter, id): `id` is that of the metered object, so a repeat counts once.

    `subject_id` is the id of the object it was used for, by which the metering room describes the usage.
    `is_reversal`: the row takes another one back, and is no event of its own. The sign of the
    quantity does not tell, as it may be 0.
    """

    __tablename__ = "usage_event"

    meter: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    occurred_at: Mapped[datetime]
    subject_id: Mapped[UUID | None]
    is_reversal: Mapped[bool] = mapped_column(server_default="false")

    # Rows are inserted in the order of time, so a BRIN index finds the last days at almost no cost.
    __table_args__ = (
        Index("ix_usage_event_occurred", "tenant_id", "occurred_at", postgresql_using="brin"),
        CheckConstraint(QUANTITY, name="quantity"),
    )
