"""Table of exceptions."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Index, Integer, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from governance.exception_types import ExceptionType
from governance.exceptions.states import IS_OPEN
from governance.impact import IMPACT_CURRENCY

ABOUT_HEALTH: Final = f"{{0}}code IN ('{ExceptionType.CONNECTION_FAILING}', '{ExceptionType.CONNECTION_PAUSED}')"
"""As SQL, of an exception with the prefix {0}. The index is declared with exactly this text, so queries must use it."""


class GovernanceException(TenantOwned, Base):
    """A problem that needs attention. At most one open row per code and subject; repeats are counted."""

    __tablename__ = "governance_exception"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    subject: Mapped[str]
    message: Mapped[str]  # code of `governance.messages.exceptions`
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    severity: Mapped[int] = mapped_column(SmallInteger)
    severity_factors: Mapped[dict[str, Any]] = mapped_column(JSONB)
    impact_amount: Mapped[Decimal] = mapped_column(
        server_default="0"
    )  # size of the difference in price, in major units
    impact_currency: Mapped[str | None]
    state: Mapped[str]
    record_key: Mapped[str | None]
    element: Mapped[str | None]
    dimension: Mapped[str] = mapped_column(server_default="")
    record_type: Mapped[str] = mapped_column(server_default="product")
    connection_id: Mapped[UUID | None]
    change_id: Mapped[UUID | None]
    source_event_id: Mapped[UUID | None]
    occurrences: Mapped[int] = mapped_column(Integer, server_default="1")
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    correction_due_at: Mapped[datetime]
    escalated_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    correlation: Mapped[str]

    __table_args__ = (
        Index(
            "uq_governance_exception_open",
            "tenant_id",
            "code",
            "subject",
            unique=True,
            postgresql_where=text(IS_OPEN),
        ),
        Index(
            "ix_governance_exception_health",
            "tenant_id",
            "subject",
            "opened_at",
            postgresql_where=text(ABOUT_HEALTH.format("")),
        ),
        Index(
            "ix_governance_exception_record",
            "tenant_id",
            "record_key",
            "element",
            "dimension",
            "record_type",
            postgresql_where=text(IS_OPEN),
        ),
        Index("ix_governance_exception_state", "tenant_id", "state", "severity"),
        Index(
            "ix_governance_exception_impact",
            "tenant_id",
            "state",
            text(IMPACT_CURRENCY.format("")),
            text("impact_amount DESC"),
            "id",
        ),
        Index(
            "ix_governance_exception_correction",
            "tenant_id",
            "correction_due_at",
            postgresql_where=text(f"{IS_OPEN} AND escalated_at IS NULL"),
        ),
    )
