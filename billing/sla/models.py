"""Tables of service credits."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Numeric, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.sla.states import SlaState
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql


class SlaTerms(TenantOwned, Base):
    """A client's terms of service credits for late deliveries. `bands` are `billing.sla.terms.SlaBand`s, the lowest
    first.
    """

    __tablename__ = "sla_terms"

    bands: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    most_pct: Mapped[Decimal] = mapped_column(Numeric(6, 3))
    from_month: Mapped[date]
    set_at: Mapped[datetime]
    set_by: Mapped[str]


class SlaCredit(TenantOwned, Base):
    """A month's deliveries against the target, measured once, with the credit that a person decides.

    `breaches` are the late deliveries (`billing.sla.assess.Breach`), at most `MOST_NAMED`.
    """

    __tablename__ = "sla_credit"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[date]
    deliveries: Mapped[int] = mapped_column(BigInteger)
    late: Mapped[int] = mapped_column(BigInteger)
    breaches: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    attained_pct: Mapped[Decimal] = mapped_column(Numeric(6, 3))
    target_pct: Mapped[Decimal] = mapped_column(Numeric(6, 3))
    credit_pct: Mapped[Decimal] = mapped_column(Numeric(6, 3))
    state: Mapped[str]
    measured_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    reason: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "month"),
        CheckConstraint(f"state IN ({in_sql(SlaState)})", name="state"),
        CheckConstraint("late >= 0 AND late <= deliveries", name="late"),
    )
