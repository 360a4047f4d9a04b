"""Tables of the parties of invoices."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Integer, Numeric, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from billing.legal_entities.tax import USUAL_TAX_CODE, TaxCategory, TaxSourceKind, VatCheckKind
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql

_A_SIDE = "side IN ('wholesale', 'retail')"


class LegalEntity(TenantOwned, Base):
    """Issuer of the invoices of one side. `tenant_id` is the MSP account: retail is the MSP itself, wholesale the
    operator as this MSP's seller.

    `payment_days` are from the day of issue to the due day, `dunning_days` from the due day to each reminder, all by
    the calendar of `time_zone`.
    """

    __tablename__ = "legal_entity"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    side: Mapped[str]
    name: Mapped[str]
    street: Mapped[str]
    postcode: Mapped[str]
    city: Mapped[str]
    country: Mapped[str]
    vat_id: Mapped[str]
    tax_number: Mapped[str]
    email: Mapped[str]
    iban: Mapped[str]
    bic: Mapped[str]
    language: Mapped[str]
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    payment_days: Mapped[int] = mapped_column(Integer)
    grace_days: Mapped[int] = mapped_column(Integer)
    dunning_days: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    number_format: Mapped[str]
    credit_note_format: Mapped[str]
    tax_source: Mapped[str] = mapped_column(server_default=TaxSourceKind.OWN)
    vat_check: Mapped[str] = mapped_column(server_default=VatCheckKind.OFF)
    vat_check_days: Mapped[int] = mapped_column(Integer, server_default="30")
    tax_code: Mapped[str] = mapped_column(server_default=USUAL_TAX_CODE)
    updated_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("tenant_id", "side"),
        CheckConstraint(_A_SIDE, name="side"),
        CheckConstraint(f"vat_check IN ({in_sql(VatCheckKind)})", name="vat_check"),
        CheckConstraint(f"tax_source IN ({in_sql(TaxSourceKind)})", name="tax_source"),
    )


class TaxRate(TenantOwned, Base):
    """The rate of domestic invoices from `valid_from` until the next one begins. Never changed."""

    __tablename__ = "tax_rate"

    side: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    category: Mapped[str]
    percent: Mapped[Decimal] = mapped_column(Numeric(6, 3))
    reason: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(_A_SIDE, name="side"),
        CheckConstraint("percent >= 0 AND percent <= 100", name="percent"),
        CheckConstraint(f"category IN ({in_sql(TaxCategory)})", name="category"),
    )


class NumberSeries(TenantOwned, Base):
    """The last number given in a series, such as `INV-2026-`. The row's lock makes the numbers gapless."""

    __tablename__ = "number_series"

    side: Mapped[str] = mapped_column(primary_key=True)
    series: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint(_A_SIDE, name="side"),)


class BillingDetails(TenantOwned, Base):
    """The buyer of an account's invoices. With `payer_id`, another client of the MSP receives and pays them."""

    __tablename__ = "billing_details"

    name: Mapped[str]
    street: Mapped[str]
    postcode: Mapped[str]
    city: Mapped[str]
    country: Mapped[str]
    vat_id: Mapped[str]
    po_number: Mapped[str]
    email: Mapped[str]
    payer_id: Mapped[UUID | None]
    updated_at: Mapped[datetime]
