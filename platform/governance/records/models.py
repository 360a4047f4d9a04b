"""Tables of governed values, source records and titles."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class RecordValue(TenantOwned, Base):
    """One element of one record: the source's current value, and the approved value that channels should show.

    An approved value without a change was accepted with a baseline. `adopted_at` is since when it is approved, and
    `month_value` the value that was approved at the start of that month; where the value was the first, that one. It is
    null while it is not known: until the first value, and for a row from before this column.
    """

    __tablename__ = "record_value"

    record_key: Mapped[str] = mapped_column(primary_key=True)
    element: Mapped[str] = mapped_column(primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True, server_default="")
    record_type: Mapped[str] = mapped_column(primary_key=True, server_default="product")
    source_value: Mapped[dict[str, Any]] = mapped_column(JSONB)
    source_version: Mapped[int] = mapped_column(BigInteger)
    source_event_id: Mapped[UUID | None]
    value: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    version: Mapped[int] = mapped_column(BigInteger)
    change_id: Mapped[UUID | None]
    source_connection_id: Mapped[UUID | None]
    source_committed_at: Mapped[datetime | None]
    adopted_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    month_value: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class SourceRecord(TenantOwned, Base):
    """The last known key of a source's record. Only for sources with record ids of their own."""

    __tablename__ = "source_record"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    record_type: Mapped[str] = mapped_column(primary_key=True, server_default="product")
    record_key: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger)
    source_event_id: Mapped[UUID]

    __table_args__ = (Index("ix_source_record_key", "tenant_id", "connection_id", "record_key"),)


class RecordTitle(TenantOwned, Base):
    """A record's name as reported by its source. `search` is the folded form for searches."""

    __tablename__ = "record_title"

    record_key: Mapped[str] = mapped_column(primary_key=True)
    record_type: Mapped[str] = mapped_column(primary_key=True, server_default="product")
    title: Mapped[str]
    search: Mapped[str]
