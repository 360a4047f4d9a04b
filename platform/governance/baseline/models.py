"""Tables of baselines, the systems read, the sources' values and the channels' values."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from governance.baseline.states import IS_OPEN_BASELINE


class Baseline(TenantOwned, Base):
    """One comparison of a client's sources with its channels, and the decision about it.

    state: reading | ready | accepting | accepted | discarded. At most one is open. Counts are acceptance
    results.
    """

    __tablename__ = "baseline"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    started_at: Mapped[datetime]
    started_by: Mapped[str]
    read_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    decided_by_id: Mapped[str | None]  # id of `decided_by`
    finished_at: Mapped[datetime | None]
    after: Mapped[str] = mapped_column(server_default="")  # last record key carried out
    accepted: Mapped[int] = mapped_column(Integer, server_default="0")
    proven: Mapped[int] = mapped_column(Integer, server_default="0")
    automatic: Mapped[int] = mapped_column(Integer, server_default="0")
    awaiting: Mapped[int] = mapped_column(Integer, server_default="0")
    refused: Mapped[int] = mapped_column(Integer, server_default="0")
    overtaken: Mapped[int] = mapped_column(Integer, server_default="0")

    __table_args__ = (
        Index(
            "uq_baseline_open",
            "tenant_id",
            unique=True,
            postgresql_where=text(IS_OPEN_BASELINE),
        ),
    )


class BaselinePart(TenantOwned, Base):
    """One system of a baseline as source or as channel, and its reading progress. state: listing | reading | read.

    Counts are of a channel's values; `auto`, `review` and `refuse` count its differences by policy outcome.
    """

    __tablename__ = "baseline_part"

    baseline_id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)  # source | channel
    state: Mapped[str]
    listed: Mapped[bool] = mapped_column(server_default="false")  # the channel has listed its values
    cursor: Mapped[str] = mapped_column(server_default="")
    equal: Mapped[int] = mapped_column(Integer, server_default="0")
    differs: Mapped[int] = mapped_column(Integer, server_default="0")
    source_only: Mapped[int] = mapped_column(Integer, server_default="0")
    channel_only: Mapped[int] = mapped_column(Integer, server_default="0")
    below_cost: Mapped[int] = mapped_column(Integer, server_default="0")
    auto: Mapped[int] = mapped_column(Integer, server_default="0")
    review: Mapped[int] = mapped_column(Integer, server_default="0")
    refuse: Mapped[int] = mapped_column(Integer, server_default="0")
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # a message
    progress: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # progress of the listing, see `connectors.paging`
    unkeyed: Mapped[int] = mapped_column(Integer, server_default="0")  # records listed by the channel without a key


class BaselineItem(TenantOwned, Base):
    """The source of truth's value of one element of one record. The value is null when only a channel has the value, or
    when the source's value has no exact equivalent (`unreadable` is the reason).
    """

    __tablename__ = "baseline_item"

    baseline_id: Mapped[UUID] = mapped_column(primary_key=True)
    record_key: Mapped[str] = mapped_column(primary_key=True)
    element: Mapped[str] = mapped_column(primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True, server_default="")
    record_type: Mapped[str] = mapped_column(primary_key=True, server_default="product")
    connection_id: Mapped[UUID | None]
    value: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    source_version: Mapped[int | None] = mapped_column(BigInteger)
    source_event_id: Mapped[UUID | None]
    unreadable: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # a message


class BaselineReading(TenantOwned, Base):
    """One channel's value beside the source's. `comparison` is equal, differs, source_only or
    channel_only.

    `outcome` is the policy outcome, at the time of reading, of making a difference equal; `change_id` is the resulting
    change. `unreadable` is the reason why the channel's value has no exact equivalent; the value is null then.
    """

    __tablename__ = "baseline_reading"

    baseline_id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    record_key: Mapped[str] = mapped_column(primary_key=True)
    element: Mapped[str] = mapped_column(primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True, server_default="")
    record_type: Mapped[str] = mapped_column(primary_key=True, server_default="product")
    value: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    version: Mapped[int | None] = mapped_column(BigInteger)
    comparison: Mapped[str]
    outcome: Mapped[str | None]
    below_cost: Mapped[bool]
    seen_at: Mapped[datetime]
    change_id: Mapped[UUID | None]
    unreadable: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # a message

    __table_args__ = (
        Index(
            "ix_baseline_reading_comparison",
            "tenant_id",
            "baseline_id",
            "comparison",
            "record_key",
            "element",
            "dimension",
            "record_type",
            "connection_id",
        ),
        Index(
            "ix_baseline_reading_below_cost",
            "tenant_id",
            "baseline_id",
            "record_key",
            "element",
            "dimension",
            "record_type",
            "connection_id",
            postgresql_where=text("below_cost"),
        ),
    )
