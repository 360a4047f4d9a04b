"""Tables of governed values, source records and titles."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from canonical.elements import ORDER_DOCUMENT
from canonical.orders import ORDER
from foundation.database.base import Base, TenantOwned

IS_ORDER: Final = f"element = '{ORDER_DOCUMENT}' AND record_type = '{ORDER}' AND dimension = ''"
"""As SQL, of a value: it is the content of an order. The indexes are declared with exactly this text."""


class RecordValue(TenantOwned, Base):
    """One element of one record: the source's current value, and the approved value that channels should show.

    An approved value without a change was accepted with a baseline. `adopted_at` is the time since which it is
    approved, and `month_value` the value that was approved at the start of that month, or the first value if there was
    none. `month_value` is null until the first value, and for a row from before this column. `received_at` is the time
    of the first reading; it never changes, so that its index costs updates nothing.
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
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    __table_args__ = (
        Index("ix_record_value_order", "tenant_id", "received_at", "record_key", postgresql_where=text(IS_ORDER)),
        Index("ix_record_value_order_number", "tenant_id", "record_key", postgresql_where=text(IS_ORDER)),
    )


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

    __table_args__ = (
        # The migration declares COLLATE "C", which the comparison of models with the schema ignores.
        Index("ix_record_title_key", "msp_id", text("lower(record_key)")),
        Index("ix_record_title_search", "msp_id", "search"),
    )
