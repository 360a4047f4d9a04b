"""Data keys, one active per tenant, each wrapped by a key that the database never sees."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class VaultKey(TenantOwned, Base):
    """`active` seals; `draining` opens what is still being sealed anew; `retired` seals nothing that is registered.

    Retired keys stay, because backups hold what they sealed; `destroy_keys` is the only way to be rid of them.
    """

    __tablename__ = "vault_key"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]
    kek_id: Mapped[str]
    state: Mapped[str]  # active | draining | retired
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("uq_vault_key_active", "tenant_id", unique=True, postgresql_where=text("state = 'active'")),
    )
