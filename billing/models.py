"""Tables of price books, rated usage and invoices. Every table has a side.

Wholesale rows are hidden from a client's own scope by row-level security: see `billing.sides`.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.line_kinds import LineKind
from billing.states import InvoiceState
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql

_A_SIDE = "side IN ('wholesale', 'retail')"


class PriceBook(TenantOwned, Base):
    """`tenant_id` is the MSP account. A retail book with a `client_id` is that client's own and takes precedence."""

    __tablename__ = "price_book"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    side: Mapped[str]
    client_id: Mapped[UUID | None]
    currency: Mapped[str]
    name: Mapped[str]
    rules: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("tenant_id", "side", "client_id", postgresql_nulls_not_distinct=True),
        CheckConstraint(_A_SIDE, name="side"),
        CheckConstraint("side = 'retail' OR client_id IS NULL", name="own_book_is_retail"),
        CheckConstraint("tenant_id = msp_id", name="msp_account"),
    )


class Price(TenantOwned, Base):
    """One meter's price from `valid_from` until `valid_to`. Only `valid_to` is ever changed, and never to a past
    time.

    `unit_price` is in major units of the book's currency; with tiers it is the first tier's.
    """

    __tablename__ = "price"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    side: Mapped[str]
    book_id: Mapped[UUID]
    meter: Mapped[str]
    description: Mapped[str]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    unit_price: Mapped[Decimal] = mapped_column(Numeric(20, 8))
    included_quantity: Mapped[Decimal] = mapped_column(Numeric, server_default="0")
    tiers: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("tenant_id", "book_id", "meter", "valid_from"),
        ForeignKeyConstraint(["tenant_id", "book_id"], ["price_book.tenant_id", "price_book.id"]),
        CheckConstraint(_A_SIDE, name="side"),
        CheckConstraint("valid_to > valid_from", name="validity"),
        CheckConstraint("unit_price >= 0 AND included_quantity >= 0", name="terms"),
    )


class UnitCost(TenantOwned, Base):
    """The MSP's own cost of a unit of a meter from `month` on, such as 2026-03, in the currency of the price book; the
    last one set for a month counts. Never changed. No client's scope sees it.
    """

    __tablename__ = "unit_cost"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    book_id: Mapped[UUID]
    meter: Mapped[str]
    month: Mapped[str]
    unit_cost: Mapped[Decimal] = mapped_column(Numeric(20, 8))
    set_at: Mapped[datetime]
    set_by: Mapped[str]

    __table_args__ = (
        Index("ix_unit_cost_meter", "tenant_id", "book_id", "meter", "month"),
        ForeignKeyConstraint(["tenant_id", "book_id"], ["price_book.tenant_id", "price_book.id"]),
        CheckConstraint("tenant_id = msp_id", name="msp_account"),
        CheckConstraint("month ~ '^[0-9]{4}-[0-9]{2}$'", name="month"),
        CheckConstraint("unit_cost >= 0", name="unit_cost"),
    )


class RatedUsage(TenantOwned, Base):
    """A usage event on a line. The key allows one row per event and side; quantity, time and mark are the ledger's."""

    __tablename__ = "rated_usage"

    side: Mapped[str] = mapped_column(primary_key=True)
    meter: Mapped[str] = mapped_column(primary_key=True)
    usage_id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID]
    line_id: Mapped[UUID]
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    occurred_at: Mapped[datetime]
    is_reversal: Mapped[bool] = mapped_column(server_default="false")

    __table_args__ = (
        Index("ix_rated_usage_line", "tenant_id", "line_id", "usage_id"),
        Index("ix_rated_usage_occurred", "tenant_id", "occurred_at", postgresql_using="brin"),
        CheckConstraint(_A_SIDE, name="side"),
    )


class RatedRollup(TenantOwned, Base):
    """A roll-up on a line of one side: all its events are on that line. Those of a roll-up without a line are rated one
    by one, in `RatedUsage`: where a price begins or ends between them. The other columns are the roll-up's.
    """

    __tablename__ = "rated_rollup"

    side: Mapped[str] = mapped_column(primary_key=True)
    meter: Mapped[str] = mapped_column(primary_key=True)
    recording_id: Mapped[UUID] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID]
    line_id: Mapped[UUID | None]
    rows: Mapped[int] = mapped_column(BigInteger)
    events: Mapped[int] = mapped_column(BigInteger)
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    first_id: Mapped[UUID]
    last_id: Mapped[UUID]

    __table_args__ = (
        Index("ix_rated_rollup_line", "tenant_id", "line_id", "first_id"),
        Index("ix_rated_rollup_last", "tenant_id", "last_at", postgresql_using="brin"),
        CheckConstraint(_A_SIDE, name="side"),
    )


class VoidedUsage(TenantOwned, Base):
    """Usage that a line of a voided invoice charged, which is free to be charged again: a roll-up, or the part of one
    that was rated, down to a single event. Its line still opens to these events.
    """

    __tablename__ = "voided_usage"

    line_id: Mapped[UUID] = mapped_column(primary_key=True)
    recording_id: Mapped[UUID] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    first_id: Mapped[UUID] = mapped_column(primary_key=True)
    last_id: Mapped[UUID]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    side: Mapped[str]

    __table_args__ = (CheckConstraint(_A_SIDE, name="side"),)


class RatingRun(TenantOwned, Base):
    """Times of a client's last rating and its next run. One row per client.

    It has no state: the row is written in the transaction that completes a rating. A running or failed rating is a job
    (`billing.jobs`), which has a state.
    """

    __tablename__ = "rating_run"

    rated_at: Mapped[datetime]
    next_at: Mapped[datetime]


class Invoice(TenantOwned, Base):
    """Retail: one client's, for the client. Wholesale: one client's share, or the MSP's total (`client_id` = `msp_id`).

    `content_hash` covers all content shown to the buyer, so the same usage and prices give the same hash. Once it is
    finalised, `issued_invoice` has its number and amounts; `paid_minor` and `credited_minor` count up to its gross
    amount, and `dunning_level` counts reminders.
    """

    __tablename__ = "invoice"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    side: Mapped[str]
    client_id: Mapped[UUID]
    period_start: Mapped[datetime]
    period_end: Mapped[datetime]
    currency: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=InvoiceState.DRAFT)
    total_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    content_hash: Mapped[str] = mapped_column(server_default="")
    paid_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    credited_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    dunning_level: Mapped[int] = mapped_column(Integer, server_default="0")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("tenant_id", "side", "period_start", "client_id"),
        CheckConstraint(_A_SIDE, name="side"),
        CheckConstraint("period_end > period_start", name="period"),
        CheckConstraint(f"state IN ({in_sql(InvoiceState)})", name="state"),
    )


class InvoiceLine(TenantOwned, Base):
    """One meter at one price, for usage in the period from `service_start` (before the invoice's if late); or a fee
    (`billing.fees`), which has a product and a cause instead of a meter and a price.
    """

    __tablename__ = "invoice_line"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    side: Mapped[str]
    invoice_id: Mapped[UUID]
    client_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(server_default=LineKind.USAGE)
    meter: Mapped[str]
    product: Mapped[str] = mapped_column(server_default="")
    description: Mapped[str]
    price_id: Mapped[UUID | None]
    cause: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    service_start: Mapped[datetime]
    unit_price: Mapped[Decimal] = mapped_column(Numeric(20, 8))
    tiers: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    events: Mapped[int] = mapped_column(BigInteger, server_default="0")
    quantity: Mapped[Decimal] = mapped_column(Numeric, server_default="0")
    included: Mapped[Decimal] = mapped_column(Numeric, server_default="0")
    amount_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    first_at: Mapped[datetime | None]
    last_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_invoice_line_invoice", "tenant_id", "invoice_id"),
        ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoice.tenant_id", "invoice.id"]),
        CheckConstraint(_A_SIDE, name="side"),
        CheckConstraint("(kind = 'usage') = (price_id IS NOT NULL)", name="price"),
    )
