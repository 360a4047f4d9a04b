"""Table of the documents of invoices."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.documents.formats import DocumentFormat
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql


class InvoiceDocument(TenantOwned, Base):
    """A document. Rows are only added, so a download always has the first version. `invoice_id` is the invoice or the
    credit note, `sha256` is hexadecimal, of `file`.
    """

    __tablename__ = "invoice_document"

    invoice_id: Mapped[UUID] = mapped_column(primary_key=True)
    format: Mapped[str] = mapped_column(primary_key=True)
    side: Mapped[str]
    file: Mapped[bytes]
    sha256: Mapped[str]
    made_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(f"format IN ({in_sql(DocumentFormat)})", name="format"),
        CheckConstraint("side IN ('wholesale', 'retail')", name="side"),
    )
