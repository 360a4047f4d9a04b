"""Table of entitlements."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class Entitlement(TenantOwned, Base):
    """An account's current share of a feature; without a row nothing is refused. `hard_limit` is the largest number;
    from `soft_limit` on, members are notified, at `noticed_at`. NULL: not limited.
    """

    __tablename__ = "entitlement"

    feature: Mapped[str] = mapped_column(primary_key=True)
    is_on: Mapped[bool]
    soft_limit: Mapped[int | None] = mapped_column(BigInteger)
    hard_limit: Mapped[int | None] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]
    noticed_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("soft_limit >= 0 AND hard_limit >= 0", name="limits"),)
