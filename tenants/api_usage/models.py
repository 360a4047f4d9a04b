"""Table of the calls of API keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class ApiCallHour(TenantOwned, Base):
    """Calls of a key in the hour from `hour` on. Only complete hours are stored, so rows never change."""

    __tablename__ = "api_call_hour"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    key_id: Mapped[UUID] = mapped_column(primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint("calls > 0", name="calls"),)
