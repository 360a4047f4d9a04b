"""Tables of plans. Rows are of the MSP account."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class BillingPlan(TenantOwned, Base):
    """An MSP's offer to its clients, in one currency. A retired plan keeps its subscriptions."""

    __tablename__ = "plan"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    currency: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    retired_at: Mapped[datetime | None]
    retired_by: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        CheckConstraint("tenant_id = msp_id", name="msp_account"),
    )


class PlanVersion(TenantOwned, Base):
    """Terms of a plan for subscriptions that begin or change on or after `valid_from`. Rows never change."""

    __tablename__ = "plan_version"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(Integer)
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    valid_from: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by: Mapped[str]

    __table_args__ = (
        UniqueConstraint("tenant_id", "plan_id", "number"),
        ForeignKeyConstraint(["tenant_id", "plan_id"], ["plan.tenant_id", "plan.id"]),
        CheckConstraint("tenant_id = msp_id", name="msp_account"),
    )
