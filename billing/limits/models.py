"""Tables of limits, of reservations, and of the notices that were given."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.limits.states import ReservationState
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql

_AMOUNTS = "included >= 0 AND soft_limit >= 0 AND hard_limit >= 0 AND override_limit >= 0"


class UsageLimit(TenantOwned, Base):
    """Limits of a client's use of a meter in a month; with `meter` '' of the month's cost, in minor units.

    Without a hard limit nothing is refused. Until `override_until`, `override_limit` replaces it; NULL then means no
    limit.
    """

    __tablename__ = "usage_limit"

    meter: Mapped[str] = mapped_column(primary_key=True)
    is_on: Mapped[bool]
    included: Mapped[Decimal | None] = mapped_column(Numeric)
    soft_limit: Mapped[Decimal | None] = mapped_column(Numeric)
    hard_limit: Mapped[Decimal | None] = mapped_column(Numeric)
    override_until: Mapped[datetime | None]
    override_limit: Mapped[Decimal | None] = mapped_column(Numeric)
    override_reason: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]

    __table_args__ = (CheckConstraint(_AMOUNTS, name="amounts"),)


class UsageReservation(TenantOwned, Base):
    """Usage that was allowed before it happened. `key`: the caller's id of it. `quantities` by meter are the estimate,
    `settled` the actual ones. `amount_minor` is their cost; NULL without a price.
    """

    __tablename__ = "usage_reservation"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str]
    quantities: Mapped[dict[str, Any]] = mapped_column(JSONB)
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str]
    reserved_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    settled: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")

    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        Index("ix_usage_reservation_open", "tenant_id", "expires_at", postgresql_where=text("state = 'reserved'")),
        Index("ix_usage_reservation_ended", "tenant_id", "ended_at", postgresql_where=text("state = 'settled'")),
        CheckConstraint(f"state IN ({in_sql(ReservationState)})", name="state"),
    )


class LimitNotice(TenantOwned, Base):
    """A notice that was sent: once for each limit, month and per cent; again after the limit changed."""

    __tablename__ = "limit_notice"

    meter: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    percent: Mapped[int] = mapped_column(Integer, primary_key=True)
    level: Mapped[Decimal] = mapped_column(Numeric, primary_key=True, server_default="0")
    noticed_at: Mapped[datetime]
