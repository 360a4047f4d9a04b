"""The audit chain: append-only entries, each bound to the one before it by hash, one chain per tenant."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class AuditEntry(TenantOwned, Base):
    """An entry. `body` is the canonical JSON whose bytes were hashed; it is stored as text so that it verifies byte for
    byte.
    """

    __tablename__ = "audit_entry"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)  # partition key; the head's lock makes `seq` unique
    action: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    hash: Mapped[bytes]

    __table_args__ = (
        Index("ix_audit_entry_subject", "tenant_id", "subject"),
        Index("ix_audit_entry_exports", "tenant_id", "at", postgresql_where=text("action = 'list.exported'")),
    )


class AuditHead(TenantOwned, Base):
    __tablename__ = "audit_head"

    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]


class AuditAnchor(TenantOwned, Base):
    """The last entry that a retention run removed: the chain is verified from there on. One row for each removal."""

    __tablename__ = "audit_anchor"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[bytes]
    entries: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    removed_at: Mapped[datetime]
