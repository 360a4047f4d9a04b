"""Tables of vendor bills, of their files, and of the mappings of their clients and products.

All rows belong to the MSP account; no client's scope sees them.
"""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned

_A_MONTH = "month ~ '^[0-9]{4}-[0-9]{2}$'"


class VendorBill(TenantOwned, Base):
    """A vendor's bill of one month, such as 2026-11. Withdrawn, it does not count, and its number may be used again."""

    __tablename__ = "vendor_bill"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[str]
    vendor: Mapped[str]
    number: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None]

    __table_args__ = (
        Index(
            "uq_vendor_bill_number", "tenant_id", "vendor", "number", unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        Index("ix_vendor_bill_month", "tenant_id", "month"),
        CheckConstraint("tenant_id = msp_id", name="msp_account"),
        CheckConstraint(_A_MONTH, name="month"),
    )  # fmt: skip


class VendorBillLine(TenantOwned, Base):
    """A row of a bill as the vendor wrote it. Never changed. `client_key` is the vendor's id of the client, or its name
    without one. `amount` is authoritative: a row of part of a month is less than quantity times unit cost. `digest` is
    the SHA-256 of the content.
    """

    __tablename__ = "vendor_bill_line"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    bill_id: Mapped[UUID]
    line: Mapped[str]
    vendor: Mapped[str]
    client_key: Mapped[str]
    client_name: Mapped[str]
    product_code: Mapped[str]
    description: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    unit_cost: Mapped[Decimal] = mapped_column(Numeric)
    amount: Mapped[Decimal] = mapped_column(Numeric)
    currency: Mapped[str]
    service_from: Mapped[date | None]
    service_to: Mapped[date | None]
    digest: Mapped[bytes]
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("tenant_id", "bill_id", "line"),
        ForeignKeyConstraint(["tenant_id", "bill_id"], ["vendor_bill.tenant_id", "vendor_bill.id"]),
        CheckConstraint("tenant_id = msp_id", name="msp_account"),
    )


class VendorUpload(TenantOwned, Base):
    """A file of vendor bills, kept byte by byte, so that rows that cannot be stored are not lost. `wrong` counts these
    as of the upload, or as of the last time that the others were stored.
    """

    __tablename__ = "vendor_upload"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[str]
    vendor: Mapped[str]
    file: Mapped[bytes]
    sha256: Mapped[bytes]
    rows: Mapped[int]
    wrong: Mapped[int]
    uploaded_at: Mapped[datetime]
    uploaded_by: Mapped[str]
    stored_at: Mapped[datetime | None]
    stored_by: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "month", "vendor", "sha256"),
        CheckConstraint("tenant_id = msp_id", name="msp_account"),
        CheckConstraint(_A_MONTH, name="month"),
    )


class VendorMapping(TenantOwned, Base):
    """Mapping of a vendor's client or product for all months, or its exclusion. `factor`: units of the meter in one
    unit of the product.
    """

    __tablename__ = "vendor_mapping"

    kind: Mapped[str] = mapped_column(primary_key=True)
    vendor: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    client_id: Mapped[UUID | None]
    meter: Mapped[str | None]
    factor: Mapped[Decimal] = mapped_column(Numeric, server_default="1")
    is_ignored: Mapped[bool]
    set_at: Mapped[datetime]
    set_by: Mapped[str]

    __table_args__ = (
        CheckConstraint("tenant_id = msp_id", name="msp_account"),
        CheckConstraint("kind IN ('client', 'product')", name="kind"),
        CheckConstraint("is_ignored = (num_nonnulls(client_id, meter) = 0)", name="target"),
        CheckConstraint("CASE kind WHEN 'client' THEN meter IS NULL ELSE client_id IS NULL END", name="target_kind"),
        CheckConstraint("factor > 0", name="factor"),
    )
