"""Data keys, one active per tenant, each wrapped by a key that is never in the database."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from foundation.vault.states import IS_ACTIVE


class VaultKey(TenantOwned, Base):
    """A data key. `active` seals; `draining` opens values that are still to be re-encrypted; `retired` seals no
    registered value.

    Retired keys are kept, because backups contain values sealed by them; only `destroy_keys` removes them.
    """

    __tablename__ = "vault_key"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]
    kek_id: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (Index("uq_vault_key_active", "tenant_id", unique=True, postgresql_where=text(IS_ACTIVE)),)
