"""Table of clients' payment methods."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class PaymentProfile(TenantOwned, Base):
    """A client at the payment account `account_id` of its MSP. `methods` are as the provider reported at `read_at`
    (`billing.payments.port.PaymentMethod`), newest first; `awaits`: they are about to be read again. `session_id` is a
    provider's id of the open page for entering a method; the page's address is never stored. `problem` is a stored
    message about the last attempt. `agreed_at` and `agreed_by` are of the last change of `charges_automatically`.
    """

    __tablename__ = "payment_profile"

    account_id: Mapped[UUID]
    customer_id: Mapped[str] = mapped_column(server_default="")
    session_id: Mapped[str] = mapped_column(server_default="")
    methods: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    awaits: Mapped[bool] = mapped_column(server_default="false")
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    read_at: Mapped[datetime | None]
    charges_automatically: Mapped[bool] = mapped_column(server_default="false")
    agreed_at: Mapped[datetime | None]
    agreed_by: Mapped[str] = mapped_column(server_default="")
