"""Tables of policies, legal holds, and the log of deletions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class RetentionPolicy(TenantOwned, Base):
    """Days to keep a class, or one element's rows of it. Without a row the class's default applies."""

    __tablename__ = "retention_policy"

    data_class: Mapped[str] = mapped_column(primary_key=True)
    element: Mapped[str] = mapped_column(primary_key=True, server_default="")
    keep_days: Mapped[int] = mapped_column(Integer)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class RetentionDefault(TenantOwned, Base):
    """Default of an MSP, for its own account and every client; clients can keep longer, never shorter."""

    __tablename__ = "retention_default"

    data_class: Mapped[str] = mapped_column(primary_key=True)
    keep_days: Mapped[int] = mapped_column(Integer)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]

    __table_args__ = (CheckConstraint("tenant_id = msp_id", name="msp_account"),)


class LegalHold(TenantOwned, Base):
    """A legal hold; until its release, no data under it is deleted. Empty `data_class` or `record_key` means all."""

    __tablename__ = "legal_hold"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    data_class: Mapped[str] = mapped_column(server_default="")
    record_key: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str]
    placed_at: Mapped[datetime]
    placed_by: Mapped[str]
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None]
    release_reason: Mapped[str | None]

    __table_args__ = (Index("ix_legal_hold_open", "tenant_id", postgresql_where=text("released_at IS NULL")),)


class RetentionPurge(TenantOwned, Base):
    """One deletion: numbers of rows made before `before` that were deleted, and kept because still needed.

    It has no state: the row is written in the transaction that deletes, and never changed. A run is the time of its end
    (`clock_guard.record_run`); an interrupted run leaves the deletions that it completed.
    """

    __tablename__ = "retention_purge"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    data_class: Mapped[str]
    table_name: Mapped[str]
    before: Mapped[datetime]
    removed: Mapped[int] = mapped_column(BigInteger)
    kept: Mapped[int] = mapped_column(BigInteger)
    partition: Mapped[str] = mapped_column(server_default="")  # the dropped partition; empty when rows were deleted
    purged_at: Mapped[datetime]
