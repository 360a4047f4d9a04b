"""Responses stored under their requests' idempotency keys."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class IdempotencyKey(TenantOwned, Base):
    """A stored response. `sealed_response` has the request's hash and the response, sealed by the vault: responses
    contain keys and links that are shown only once.
    """

    __tablename__ = "idempotency_key"

    actor_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    sealed_response: Mapped[bytes]
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_idempotency_key_created_at", "tenant_id", "created_at"),)
