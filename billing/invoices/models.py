"""Tables of the history of a fixed invoice. Rows are only added."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.states import PaymentKind
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql

_A_SIDE = "side IN ('wholesale', 'retail')"


class IssuedInvoice(TenantOwned, Base):
    """Content fixed when the invoice was finalised. `snapshot` is the document (`billing.snapshot`), empty without a
    legal entity, `snapshot_hash` its SHA-256. No row is ever changed, and `invoice` must agree with it.
    """

    __tablename__ = "issued_invoice"

    invoice_id: Mapped[UUID] = mapped_column(primary_key=True)
    side: Mapped[str]
    number: Mapped[str | None]
    issued_on: Mapped[date]
    due_on: Mapped[date | None]
    net_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    content_hash: Mapped[str]
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSONB)
    snapshot_hash: Mapped[str]

    __table_args__ = (
        Index("uq_issued_invoice_number", "msp_id", "side", "number", unique=True),
        Index("ix_issued_invoice_found", "msp_id", text("upper(number)")),  # in the order of "C"
        CheckConstraint(_A_SIDE, name="side"),
        CheckConstraint("gross_minor = net_minor + tax_minor", name="gross"),
    )


class InvoiceStep(TenantOwned, Base):
    """A step of an invoice, with actor, time and cause. `note` is a person's reason or a reference."""

    __tablename__ = "invoice_step"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID]
    side: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]
    cause: Mapped[str]
    state_before: Mapped[str]
    state_after: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    note: Mapped[str]

    __table_args__ = (
        Index("ix_invoice_step_invoice", "tenant_id", "invoice_id", "at"),
        CheckConstraint(_A_SIDE, name="side"),
    )


class InvoicePayment(TenantOwned, Base):
    """A payment of an invoice; a negative amount takes money back. `method`: manual, balance, or a provider's
    name. `recorded_by`: a person, or `payment-provider`.
    """

    __tablename__ = "invoice_payment"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID]
    side: Mapped[str]
    paid_on: Mapped[date]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(server_default=PaymentKind.PAYMENT)
    method: Mapped[str]
    reference: Mapped[str]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]

    __table_args__ = (
        Index("ix_invoice_payment_invoice", "tenant_id", "invoice_id"),
        CheckConstraint(_A_SIDE, name="side"),
        CheckConstraint("amount_minor <> 0", name="amount"),
        CheckConstraint(f"kind IN ({in_sql(PaymentKind)})", name="kind"),
    )


class CreditNote(TenantOwned, Base):
    """Net amount credited on a fixed invoice. `lines` maps line ids to net amounts in minor units, if by line.
    `refunds`: the payment provider pays it back.
    """

    __tablename__ = "credit_note"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID]
    side: Mapped[str]
    number: Mapped[str | None]
    issued_on: Mapped[date]
    net_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    lines: Mapped[dict[str, Any]] = mapped_column(JSONB)
    refunds: Mapped[bool] = mapped_column(server_default="false")
    reason: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]

    __table_args__ = (
        Index("ix_credit_note_invoice", "tenant_id", "invoice_id"),
        Index("uq_credit_note_number", "msp_id", "side", "number", unique=True),
        CheckConstraint(_A_SIDE, name="side"),
        CheckConstraint("net_minor > 0 AND gross_minor = net_minor + tax_minor", name="amount"),
    )
