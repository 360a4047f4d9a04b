"""Tables of control reviews, in each client's account."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from governance.control_reviews.states import IS_UNSIGNED


class ControlReviewSchedule(TenantOwned, Base):
    """Schedule of a client's control reviews; at most one. Without `next_on`, no further review is opened."""

    __tablename__ = "control_review_schedule"

    cadence: Mapped[str]
    starts_on: Mapped[date]
    days: Mapped[int] = mapped_column(SmallInteger)
    """Days from the opening of a review until it is overdue."""
    next_on: Mapped[date | None]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class ControlReview(TenantOwned, Base):
    """A review. `findings` are `schemas.ControlFinding`: renewed while it is open, and fixed once it is signed."""

    __tablename__ = "control_review"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    scheduled_on: Mapped[date]
    due_on: Mapped[date]
    state: Mapped[str]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    collected_at: Mapped[datetime]
    overdue_at: Mapped[datetime | None]
    """Time of the notification that the review is overdue."""
    signed_at: Mapped[datetime | None]
    signed_by: Mapped[str | None]
    signed_by_id: Mapped[UUID | None]
    note: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "scheduled_on", name="uq_control_review_scheduled_on"),
        Index("ix_control_review_msp_id_due_on", "msp_id", "due_on", "id", postgresql_where=text(IS_UNSIGNED)),
    )
