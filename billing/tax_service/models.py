"""Table of what a tax service calculated."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class TaxCalculation(TenantOwned, Base):
    """The newest calculation of a retail invoice, in the client's account. `question_hash`: SHA-256 of the input, on
    which it depends; `rule` is a `TaxRule`; `details` are `TaxDetail`s. `failure` is a code, `answer` the service's
    words about it, `problem` our own as a stored message. `transaction_id`: of the supply recorded at the service.
    """

    __tablename__ = "tax_calculation"

    invoice_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID | None]
    question_hash: Mapped[str] = mapped_column(server_default="")
    tax_day: Mapped[date | None]
    external_id: Mapped[str] = mapped_column(server_default="")
    rule: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    net_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    tax_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    details: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    calculated_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(server_default="")
    answer: Mapped[str] = mapped_column(server_default="")
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    failed_at: Mapped[datetime | None]
    transaction_id: Mapped[str] = mapped_column(server_default="")
    recorded_at: Mapped[datetime | None]
