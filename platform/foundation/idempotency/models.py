"""Answers already given to API calls that carried an Idempotency-Key, kept with the effect's own transaction."""

from datetime import datetime

from sqlalchemy import SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class IdempotentAnswer(TenantOwned, Base):
    __tablename__ = "idempotent_answer"

    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    status: Mapped[int] = mapped_column(SmallInteger)
    body: Mapped[bytes]
    created_at: Mapped[datetime]
