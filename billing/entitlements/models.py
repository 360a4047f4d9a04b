"""Table of entitlement rules."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class EntitlementRule(TenantOwned, Base):
    """Entitlement to a feature: of one client, in place of its plan's (`subject_id` is the client); or the default for
    clients of a retail price book whose plan does not mention the feature (`subject_id` is the book, in the MSP
    account).
    """

    __tablename__ = "entitlement_rule"

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    feature: Mapped[str] = mapped_column(primary_key=True)
    is_on: Mapped[bool]
    soft_limit: Mapped[int | None] = mapped_column(BigInteger)
    hard_limit: Mapped[int | None] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]

    __table_args__ = (CheckConstraint("soft_limit >= 0 AND hard_limit >= 0", name="limits"),)
