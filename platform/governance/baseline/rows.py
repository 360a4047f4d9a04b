"""Rows of a baseline as plain values."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from canonical.values import Value
from connectors.paging import Walk
from governance.records.keys import Key


class Comparison(StrEnum):
    EQUAL = "equal"
    DIFFERS = "differs"
    SOURCE_ONLY = "source_only"
    CHANNEL_ONLY = "channel_only"


class Part(msgspec.Struct, frozen=True):
    """One system to read, as far as it was read."""

    connection_id: UUID
    role: str
    state: str
    cursor: str
    walk: Walk = Walk()


class SourceItem(msgspec.Struct, frozen=True, gc=False):
    """What a source said. `amount` is None for what only a channel has; then the rest is too."""

    record_key: str
    element: str
    connection_id: UUID | None
    amount: int | None
    currency: str | None
    source_version: int | None
    source_event_id: UUID | None

    @property
    def value(self) -> Value | None:
        return None if self.amount is None else Value(self.amount, self.currency or "")


class ReadRequest(msgspec.Struct, frozen=True, gc=False):
    """A value to read on a channel, with what the source says of it and of its record's cost."""

    record_key: str
    element: str
    value: Value | None
    cost: Value | None


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What a channel showed, and what was made of it. `unreadable`: what it shows when that is no exact value."""

    connection_id: UUID
    record_key: str
    element: str
    amount: int | None
    currency: str | None
    version: int | None
    verdict: Comparison
    outcome: str | None
    below_cost: bool
    seen_at: datetime
    unreadable: str | None = None

    @property
    def value(self) -> Value | None:
        return None if self.amount is None else Value(self.amount, self.currency or "")


class LinkedChange(msgspec.Struct, frozen=True, gc=False):
    """The change that a reading led to."""

    connection_id: UUID
    record_key: str
    element: str
    change_id: UUID


class ShownReading(msgspec.Struct, frozen=True, gc=False):
    """A value to remember as shown by a channel since `seen_at`."""

    connection_id: UUID
    record_key: str
    element: str
    partner_id: UUID | None
    amount: int
    currency: str
    version: int
    change_id: UUID | None
    seen_at: datetime


class InFlight(msgspec.Struct, frozen=True):
    """What is under way for a batch of values already, so that nothing is asked, sent or refused twice."""

    on_the_way: frozenset[tuple[UUID, UUID]]  # (standing change, channel) that the channel has not been seen to show
    awaiting: frozenset[tuple[Key, Value]]  # values that wait for a person
    refused: frozenset[Key]  # with an open exception
    later: Mapping[tuple[UUID, str, str], Value]  # seen on the channel after the baseline read it


class Counts(msgspec.Struct):
    """What carrying out a baseline made."""

    accepted: int = 0
    proven: int = 0
    automatic: int = 0
    awaiting: int = 0
    refused: int = 0
    overtaken: int = 0


class Compared(msgspec.Struct, frozen=True):
    item: SourceItem
    readings: Sequence[Reading]
