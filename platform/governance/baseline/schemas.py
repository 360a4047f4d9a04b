"""Baselines as pages and the API show them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from canonical.values import Value


class BaselinePartView(msgspec.Struct, frozen=True):
    """One system of a baseline. `listed`: the channel told what it shows, so `channel_only` is all there is.

    `auto`, `review` and `refuse` count what policy said of its differences; `unkeyed` counts records that the channel
    lists without a key that can be kept, such as a SKU: they take no part.
    """

    connection_id: UUID
    name: str
    role: str
    state: str
    listed: bool
    equal: int
    differs: int
    source_only: int
    channel_only: int
    below_cost: int
    auto: int
    review: int
    refuse: int
    error: str | None
    unkeyed: int

    @property
    def compared(self) -> int:
        return self.equal + self.differs + self.source_only + self.channel_only


class BaselineView(msgspec.Struct, frozen=True):
    """state: reading | ready | accepting | accepted | discarded. Counts from `accepted` on are of what it made."""

    id: UUID
    state: str
    started_at: datetime
    started_by: str
    read_at: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    finished_at: datetime | None
    accepted: int
    proven: int
    automatic: int
    awaiting: int
    refused: int
    overtaken: int
    parts: Sequence[BaselinePartView] = ()

    @property
    def is_moving(self) -> bool:
        return self.state in ("reading", "accepting")

    def total(self, name: str) -> int:
        return sum(getattr(part, name) for part in self.parts if part.role == "channel")


class ComparedValue(msgspec.Struct, frozen=True):
    """What the source says and what one channel showed. `outcome` is what policy said of taking the source's value.

    `unreadable` is what the channel shows when that is no exact value (a fraction of a minor unit, an unknown
    currency); then `shown` is null. `source_unreadable` is the same of the source, whose value was not taken over.
    """

    record_key: str
    element: str
    connection_id: UUID
    channel: str
    source: Value | None
    shown: Value | None
    cost: Value | None
    verdict: str
    outcome: str | None
    below_cost: bool
    seen_at: datetime
    change_id: UUID | None
    unreadable: str = ""
    source_unreadable: str = ""


class ComparedPage(msgspec.Struct, frozen=True):
    """`next_cursor` goes into the next request; empty on the last page."""

    items: Sequence[ComparedValue]
    next_cursor: str = ""


class BaselinePage(msgspec.Struct, frozen=True):
    items: Sequence[BaselineView]
    next_cursor: UUID | None = None
