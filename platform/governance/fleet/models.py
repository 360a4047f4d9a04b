"""Table of counted hours."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class ChangeHours(TenantOwned, Base):
    """A client's changes in each of the hours before `counted_until`, oldest first."""

    __tablename__ = "change_hours"

    counted_until: Mapped[datetime]
    counts: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
