"""Structs of retention for pages and the API."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody


class ElementPolicyView(msgspec.Struct, frozen=True):
    """An element kept longer than its class."""

    element: str
    keep_days: int


class DataClassView(msgspec.Struct, frozen=True):
    """One class of data: its retention period, its size, and its next deletion.

    `due` rows are deleted in the next run (`due_is_more`: at least that many). `rows` are counted up to 10,000 and
    estimated above (`rows_are_estimated`); `bytes` are an estimate. `next_at` is the earliest deletion of the oldest
    row's month; none while the class is held or empty.
    """

    name: str
    title: str
    holds: str
    keep_days: int
    default_days: int
    least_days: int
    elements: Sequence[ElementPolicyView]
    by_element: bool
    is_held: bool
    held_records: Sequence[str]
    oldest_at: datetime | None
    before: datetime | None
    due: int
    due_is_more: bool
    next_at: datetime | None
    rows: int
    rows_are_estimated: bool
    bytes: int


class HoldView(msgspec.Struct, frozen=True):
    """A legal hold; empty `data_class` or `record_key` means all."""

    id: UUID
    data_class: str
    record_key: str
    reason: str
    placed_at: datetime
    placed_by: str
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None


class PurgeView(msgspec.Struct, frozen=True):
    """Deletions from one table on one day. `partition` is the dropped one; empty when rows were deleted."""

    purged_at: datetime
    data_class: str
    table: str
    before: datetime
    removed: int
    kept: int
    partition: str


class RetentionView(msgspec.Struct, frozen=True):
    classes: Sequence[DataClassView]
    holds: Sequence[HoldView]
    purges: Sequence[PurgeView]


class DefaultView(msgspec.Struct, frozen=True):
    """`keep_days` applies to every account of the MSP; `product_days` is the product's own default."""

    name: str
    title: str
    keep_days: int
    product_days: int
    least_days: int


class DefaultList(msgspec.Struct, frozen=True):
    items: Sequence[DefaultView]


class NewDefault(RequestBody, frozen=True):
    """`keep_days` none restores the product's default. Clients can keep longer, never shorter."""

    keep_days: int | None


class NewPolicy(RequestBody, frozen=True):
    """`keep_days` none restores the default. `element` is for classes with elements, and can only keep longer."""

    keep_days: int | None
    element: str = ""


class NewHold(RequestBody, frozen=True):
    reason: str
    data_class: str = ""
    record_key: str = ""


class HoldPlaced(msgspec.Struct, frozen=True):
    id: UUID


class HoldRelease(RequestBody, frozen=True):
    reason: str
