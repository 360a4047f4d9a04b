"""Table of what accounts may have."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class Entitlement(TenantOwned, Base):
    """What an account may have of a feature now; without a row nothing is refused. `hard_limit` is the largest number,
    from `soft_limit` on the account is told. NULL: not limited.
    """

    __tablename__ = "entitlement"

    feature: Mapped[str] = mapped_column(primary_key=True)
    is_on: Mapped[bool]
    soft_limit: Mapped[int | None] = mapped_column(BigInteger)
    hard_limit: Mapped[int | None] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("soft_limit >= 0 AND hard_limit >= 0", name="limits"),)
