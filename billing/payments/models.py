"""Tables of payments. All rows belong to the MSP's account: the provider's account is the MSP's."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.payments.states import RequestState
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql


class PaymentRequest(TenantOwned, Base):
    """A request to the provider, written before it is sent. `attempts` counts the idempotency keys that were used up
    by stored failures of the provider.
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
