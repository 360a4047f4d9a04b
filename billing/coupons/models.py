"""Tables of coupons and of clients' coupons."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, VARCHAR
from sqlalchemy.orm import Mapped, mapped_column

from billing.coupons.terms import CouponDuration
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql

_KIND = "(percent IS NULL) <> (amount_minor IS NULL) AND (amount_minor IS NULL) = (currency IS NULL)"
_SIZE = "percent > 0 AND percent <= 100 OR amount_minor > 0"
_DURATION = f"duration IN ({in_sql(CouponDuration)}) AND (duration = 'months') = (months IS NOT NULL)"


class Coupon(TenantOwned, Base):
    """A coupon of the MSP account. Its terms are never changed; it is retired so that no more clients get it.

    `only`: the discounted products and meters; empty for all. `valid_from` and `valid_until` are days of service, both
    included.
    """

    __tablename__ = "coupon"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    percent: Mapped[Decimal | None] = mapped_column(Numeric(6, 3))
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None]
    duration: Mapped[str]
    months: Mapped[int | None] = mapped_column(Integer)
    recurring: Mapped[bool]
    only: Mapped[list[str]] = mapped_column(ARRAY(VARCHAR))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    max_clients: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    retired_at: Mapped[datetime | None]
    retired_by: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        CheckConstraint("tenant_id = msp_id", name="msp_account"),
        CheckConstraint(_KIND, name="kind"),
        CheckConstraint(_SIZE, name="size"),
        CheckConstraint(_DURATION, name="duration"),
    )


class ClientCoupon(TenantOwned, Base):
    """A coupon that a client has, with a copy of its terms. It discounts months of service from `from_month` on, until
    it is used up, no longer valid, or ended. Its use is recorded on invoice lines.
    """

    __tablename__ = "client_coupon"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    coupon_id: Mapped[UUID]
    code: Mapped[str]
    name: Mapped[str]
    percent: Mapped[Decimal | None] = mapped_column(Numeric(6, 3))
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None]
    duration: Mapped[str]
    months: Mapped[int | None] = mapped_column(Integer)
    recurring: Mapped[bool]
    only: Mapped[list[str]] = mapped_column(ARRAY(VARCHAR))
    valid_until: Mapped[date | None]
    from_month: Mapped[date]
    reason: Mapped[str]
    given_at: Mapped[datetime]
    given_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    end_reason: Mapped[str | None]

    __table_args__ = (
        Index(
            "uq_client_coupon_active", "tenant_id", "coupon_id", unique=True, postgresql_where=text("ended_at IS NULL")
        ),
        Index("ix_client_coupon_coupon", "msp_id", "coupon_id"),
        CheckConstraint(_KIND, name="kind"),
        CheckConstraint(_SIZE, name="size"),
        CheckConstraint(_DURATION, name="duration"),
    )
