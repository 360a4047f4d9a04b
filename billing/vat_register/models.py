"""Table of checks of VAT ids: the evidence for reverse charge."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from billing.vat_register.port import VatStatus
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql


class VatCheck(TenantOwned, Base):
    """A check of the buyer's VAT id, in the client's account. Never changed. `requester`: the seller's id, named in the
    check; the other columns are those of `VatResult`.
    """

    __tablename__ = "vat_check"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    vat_id: Mapped[str]
    requester: Mapped[str]
    status: Mapped[str]
    consultation_number: Mapped[str]
    requested_on: Mapped[datetime | None]
    name: Mapped[str]
    reason: Mapped[str]
    checked_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_vat_check_vat_id", "tenant_id", "vat_id", "checked_at"),
        CheckConstraint(f"status IN ({in_sql(VatStatus)})", name="status"),
    )
