"""Tables of payments. Requests and events belong to the MSP's account, because the provider's account is the MSP's; the
state of an invoice at the provider belongs to its client.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.payments.states import EventState, RequestState
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql


class PaymentRequest(TenantOwned, Base):
    """A request to the provider, written before it is sent. `attempts` counts the idempotency keys that were used up
    by stored failures of the provider. `finished_at`: time of the answer, or of the change to the present key.
    """

    __tablename__ = "payment_request"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes]
    state: Mapped[str]
    external_id: Mapped[str] = mapped_column(server_default="")
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    attempts: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint(f"state IN ({in_sql(RequestState)})", name="state"),)


class ProviderInvoice(TenantOwned, Base):
    """A retail invoice at the payment provider, beside our own state of it. Amounts are in minor units.

    `settled_before_minor` was paid or credited before it was pushed, and is not collected there; `settled_notes` are
    the credit notes within it; `refunded_here_minor` was refunded for credit notes. `status` is the provider's word,
    empty until the invoice is there; the amounts are its report at `read_at`. The saved payment method was charged
    `charge_attempts` times, last at `charged_at`; `charge_failure` is the reason of a decline, and `next_charge_at` the
    time of the next attempt. `failure` is the code of the error that stopped the last attempt, `answer` the provider's
    words about it, `problem` our own as a stored message.
    """

    __tablename__ = "provider_invoice"

    invoice_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    provider: Mapped[str]
    external_id: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str] = mapped_column(server_default="")
    payment_url: Mapped[str] = mapped_column(server_default="")
    settled_before_minor: Mapped[int] = mapped_column(BigInteger)
    settled_notes: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    total_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    paid_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    paid_outside_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    credited_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    refunded_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    refunded_here_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    disputed_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    attempts: Mapped[int] = mapped_column(server_default="0")
    disputes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    charge_attempts: Mapped[int] = mapped_column(server_default="0")
    charge_failure: Mapped[str] = mapped_column(server_default="")
    charged_at: Mapped[datetime | None]
    next_charge_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(server_default="")
    answer: Mapped[str] = mapped_column(server_default="")
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_provider_invoice_created", "msp_id", "created_at", "invoice_id"),)


class PaymentEvent(TenantOwned, Base):
    """An event of the provider, as it was received or swept, byte for byte. Its object's state is read again when it
    is applied, so events may come in any order.
    """

    __tablename__ = "payment_event"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    object_id: Mapped[str]
    body: Mapped[bytes]
    via: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=EventState.PENDING)
    received_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(f"state IN ({in_sql(EventState)})", name="state"),
        CheckConstraint("via IN ('webhook', 'sweep')", name="via"),
    )
