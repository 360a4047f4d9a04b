"""Structs of baselines for pages and the API."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from canonical.values import Value
from foundation.i18n.messages import StoredMessage
from governance.baseline.states import BaselineState


class BaselinePartView(msgspec.Struct, frozen=True):
    """One system of a baseline. `listed`: the channel listed its values, so `channel_only` is complete.

    `auto`, `review` and `refuse` count its differences by policy outcome; `unkeyed` counts records that the channel
    lists without a storable key such as a SKU: they are left out.
    `error` is the sentence of `problem`, in the reader's language.
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
    problem: StoredMessage | None

    @property
    def compared(self) -> int:
        return self.equal + self.differs + self.source_only + self.channel_only


class BaselineView(msgspec.Struct, frozen=True):
    """A baseline. state: reading | ready | accepting | accepted | discarded. Counts are acceptance results."""

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
        return self.state in (BaselineState.READING, BaselineState.ACCEPTING)

    def total(self, name: str) -> int:
        return sum(getattr(part, name) for part in self.parts if part.role == "channel")


class ComparedValue(msgspec.Struct, frozen=True):
    """The source's value and one channel's. `outcome` is the policy outcome of approving the source's value.

    `unreadable` is the reason why the channel's value has no exact equivalent (a fraction of a minor unit, an unknown
    currency); `shown` is null then. `source_unreadable` is the same for the source, whose value was not used.
    """

    record_key: str
    element: str
    dimension: str
    record_type: str
    connection_id: UUID
    channel: str
    source: Value | None
    shown: Value | None
    cost: Value | None
    comparison: str
    outcome: str | None
    below_cost: bool
    seen_at: datetime
    change_id: UUID | None
    unreadable: str = ""
    source_unreadable: str = ""
