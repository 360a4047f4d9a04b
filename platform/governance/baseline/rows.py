"""Row structs of baselines."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from canonical.keys import ElementKey, FrozenKeyed
from canonical.values import Value
from connectors.paging import ListProgress
from foundation.i18n.messages import StoredMessage


class Comparison(StrEnum):
    EQUAL = "equal"
    DIFFERS = "differs"
    SOURCE_ONLY = "source_only"
    CHANNEL_ONLY = "channel_only"


class Part(msgspec.Struct, frozen=True):
    """One system to read, with its progress."""

    connection_id: UUID
    role: str
    state: str
    cursor: str
    progress: ListProgress = ListProgress()


class SourceItem(FrozenKeyed, frozen=True, gc=False):
    """A source's value. `value` is None for a value that only a channel has; so are the other fields then."""

    connection_id: UUID | None
    value: Value | None
    source_version: int | None
    source_event_id: UUID | None


class ReadRequest(FrozenKeyed, frozen=True, gc=False):
    """A value to read on a channel, with the source's value and the cost of the record. Where a rule names the month:
    the approved value, and that at the start of the month.
    """

    value: Value | None
    cost: Value | None
    approved: Value | None = None
    month: Value | None = None


class Reading(FrozenKeyed, frozen=True, gc=False):
    """A channel's value and its result. `unreadable` is the reason why the value has no exact equivalent."""

    connection_id: UUID
    value: Value | None
    version: int | None
    comparison: Comparison
    outcome: str | None
    below_cost: bool
    seen_at: datetime
    unreadable: StoredMessage | None = None


class LinkedChange(FrozenKeyed, frozen=True, gc=False):
    """The change that resulted from a reading."""

    connection_id: UUID
    change_id: UUID


class ShownReading(FrozenKeyed, frozen=True, gc=False):
    """A value shown by a channel since `seen_at`, to be stored."""

    connection_id: UUID
    partner_id: UUID | None
    value: Value
    version: int
    change_id: UUID | None
    seen_at: datetime


class InFlight(msgspec.Struct, frozen=True):
    """Work already under way for a batch of values, to avoid duplicate approvals, propagations and refusals."""

    on_the_way: frozenset[tuple[UUID, UUID]]  # (approved change, channel) not yet verified
    awaiting: frozenset[tuple[ElementKey, Value]]  # values pending approval
    refused: frozenset[ElementKey]  # keys with an open exception
    later: Mapping[tuple[UUID, ElementKey], Value]  # values seen on the channel after the baseline's reading


class Counts(msgspec.Struct):
    """Results of an acceptance."""

    accepted: int = 0
    proven: int = 0
    automatic: int = 0
    awaiting: int = 0
    refused: int = 0
    overtaken: int = 0


class Compared(msgspec.Struct, frozen=True):
    item: SourceItem
    readings: Sequence[Reading]
