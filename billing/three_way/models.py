"""Table of explained differences. Rows are only added; the latest of a client, product and month counts."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class BillingDifference(TenantOwned, Base):
    """A difference that a member accepted, in the MSP account, with its quantities at that time: other quantities are a
    new difference. Null: not billed by a vendor, or not measured.
    """

    __tablename__ = "billing_difference"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[str]
    client_id: Mapped[UUID]
    product: Mapped[str]
    vendor_quantity: Mapped[Decimal | None] = mapped_column(Numeric)
    used_quantity: Mapped[Decimal | None] = mapped_column(Numeric)
    billed_quantity: Mapped[Decimal] = mapped_column(Numeric)
    reason: Mapped[str]
    explained_at: Mapped[datetime]
    explained_by: Mapped[str]

    __table_args__ = (
        Index("ix_billing_difference_month", "tenant_id", "month", "client_id", "product"),
        CheckConstraint("tenant_id = msp_id", name="msp_account"),
    )
