"""Tables of declared meters and of usage that other systems report."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.usage.counting import Counting, MeterAggregation
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql


class MeterDefinition(TenantOwned, Base):
    """A meter that an MSP declares for its clients' reported usage: a row of the MSP account, which each client's scope
    may read. Never changed but for its retirement, because usage is rated under it.

    `event`: the name under which its events are reported, which several meters may read; empty for its code. The other
    columns are the filters and the aggregation: see `billing.usage.counting.Counting`.
    """

    __tablename__ = "meter_definition"

    code: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    unit: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    retired_at: Mapped[datetime | None]
    retired_by: Mapped[str | None]
    event: Mapped[str] = mapped_column(server_default="")
    aggregation: Mapped[str] = mapped_column(server_default=MeterAggregation.SUM)
    dimension: Mapped[str] = mapped_column(server_default="")
    percentile: Mapped[Decimal] = mapped_column(Numeric(6, 3), server_default="95")
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")

    __table_args__ = (
        CheckConstraint("tenant_id = msp_id", name="msp_account"),
        CheckConstraint(f"aggregation IN ({in_sql(MeterAggregation)})", name="aggregation"),
        CheckConstraint("percentile > 0 AND percentile <= 100", name="percentile"),
    )

    @property
    def reads(self) -> str:
        return self.event or self.code

    @property
    def counting(self) -> Counting:
        return Counting(MeterAggregation(self.aggregation), self.dimension, self.percentile, self.filters)


class ReportedUsage(TenantOwned, Base):
    """A usage event as another system reported it. It is in the usage ledger under the same `id`. Append-only.

    (`source`, `event_id`) identifies it: reported again with the same content, it counts once. `digest` is the SHA-256
    of that content. `reverses`: the reversed event; `occurred_at` is then that event's time in the ledger, and the
    reported one here.
    """

    __tablename__ = "reported_usage"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    meter: Mapped[str]
    source: Mapped[str]
    event_id: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    dimensions: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reverses: Mapped[UUID | None]
    digest: Mapped[bytes]
    reported_by: Mapped[str]

    __table_args__ = (
        CheckConstraint("abs(quantity) < 1e19 AND scale(quantity) <= 9", name="quantity"),
        UniqueConstraint("tenant_id", "source", "event_id"),
        Index(
            "uq_reported_usage_reverses",
            "tenant_id",
            "reverses",
            unique=True,
            postgresql_where=text("reverses IS NOT NULL"),
        ),
        Index("ix_reported_usage_msp", "msp_id", "id"),
    )
