"""Answers kept under their requests' keys, for whoever sends the same request again."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class IdempotencyKey(TenantOwned, Base):
    """`kept` is the request's hash and the answer, sealed by the vault: answers hold keys and links shown only once."""

    __tablename__ = "idempotency_key"

    actor_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    kept: Mapped[bytes]
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_idempotency_key_created_at", "tenant_id", "created_at"),)
