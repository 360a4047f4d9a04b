"""Tables of clients' credit."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from billing.wallets.states import GrantKind, MoveKind
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql


class ClientCredit(TenantOwned, Base):
    """Money that a client's invoices are paid from. `left_minor` is the sum of its transactions, never below 0.

    Grants with a lower `priority` are used first, then those that expire first. `expires_on` is the last day.
    `invoice_id` is the invoice of its origin. `noticed_at`: time of the notice of its expiry.
    """

    __tablename__ = "credit_grant"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    left_minor: Mapped[int] = mapped_column(BigInteger)
    priority: Mapped[int] = mapped_column(Integer)
    expires_on: Mapped[date | None]
    invoice_id: Mapped[UUID | None]
    reason: Mapped[str]
    granted_at: Mapped[datetime]
    granted_by: Mapped[str]
    noticed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(f"kind IN ({in_sql(GrantKind)})", name="kind"),
        CheckConstraint("amount_minor > 0 AND left_minor >= 0 AND left_minor <= amount_minor", name="left"),
    )


class CreditTransaction(TenantOwned, Base):
    """A change of a grant. Rows are only added."""

    __tablename__ = "credit_transaction"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    grant_id: Mapped[UUID]
    kind: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    invoice_id: Mapped[UUID | None]
    note: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "grant_id"], ["credit_grant.tenant_id", "credit_grant.id"]),
        CheckConstraint(f"kind IN ({in_sql(MoveKind)})", name="kind"),
        CheckConstraint("amount_minor <> 0", name="amount"),
        Index("ix_credit_transaction_invoice", "tenant_id", "invoice_id"),
        Index("ix_credit_transaction_grant", "tenant_id", "grant_id"),
    )


class CreditRule(TenantOwned, Base):
    """Rule for a client's credit of a currency below `low_minor`: its members are notified, and with `top_up_minor`
    above 0 the next draft gets a line that buys so much. `noticed_at`: time of the last notification.
    """

    __tablename__ = "credit_rule"

    currency: Mapped[str] = mapped_column(primary_key=True)
    low_minor: Mapped[int] = mapped_column(BigInteger)
    top_up_minor: Mapped[int] = mapped_column(BigInteger)
    set_at: Mapped[datetime]
    set_by: Mapped[str]
    noticed_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("low_minor > 0 AND top_up_minor >= 0", name="amounts"),)
