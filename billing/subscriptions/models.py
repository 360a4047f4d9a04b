"""Tables of subscriptions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, ForeignKeyConstraint, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.subscriptions.states import StepKind
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql


class ClientSubscription(TenantOwned, Base):
    """A client's subscription as it began. `plan` is a copy of the plan's version (`PlanCopy`).

    It has no state: state, periods and fees follow from this row, its steps and the time.
    """

    __tablename__ = "subscription"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    quantity: Mapped[int] = mapped_column(Integer)
    add_ons: Mapped[dict[str, Any]] = mapped_column(JSONB)
    zone: Mapped[str]
    calendar: Mapped[bool] = mapped_column(Boolean)
    starts_at: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    reason: Mapped[str]

    __table_args__ = (
        Index("ix_subscription_msp", "msp_id", "created_at", "id"),
        CheckConstraint("quantity >= 0", name="quantity"),
    )


class SubscriptionStep(TenantOwned, Base):
    """A change of a subscription at `takes_effect_at`. A step in the future can be undone."""

    __tablename__ = "subscription_step"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subscription_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str]
    takes_effect_at: Mapped[datetime]
    plan: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    quantity: Mapped[int | None] = mapped_column(Integer)
    add_ons: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    credits: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None]
    undone_for: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "subscription_id", "number"),
        ForeignKeyConstraint(["tenant_id", "subscription_id"], ["subscription.tenant_id", "subscription.id"]),
        CheckConstraint(f"kind IN ({in_sql(StepKind)})", name="kind"),
    )
