"""What pages and the API show of governance. Amounts are integer minor units, or pieces when the currency is empty."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from canonical.elements import Value

_OPEN = ("pending", "accepted")


class ShownPropagation(msgspec.Struct, frozen=True):
    """One change on one channel. Only `verified` means that a buyer sees it."""

    change_id: UUID
    connection_id: UUID
    channel: str
    record_key: str
    element: str
    value: Value
    version: int
    state: str
    attempts: int
    committed_at: datetime
    slo_due_at: datetime
    breached: bool
    accepted_at: datetime | None
    verified_at: datetime | None
    read: Value | None
    previous: Value | None
    error: str | None

    @property
    def is_open(self) -> bool:
        return self.state in _OPEN

    @property
    def took(self) -> timedelta | None:
        """From the commit at the source to being seen on the channel."""
        return None if self.verified_at is None else self.verified_at - self.committed_at

    def is_late(self, now: datetime) -> bool:
        return self.is_open and self.slo_due_at <= now


class ShownChange(msgspec.Struct, frozen=True):
    """`channels` is filled where the answer says so."""

    id: UUID
    record_key: str
    element: str
    old: Value | None
    new: Value
    origin: str
    author: str
    state: str
    outcome: str
    rule_id: str
    reason: str
    policy_version: int
    cost_amount: int | None
    version: int | None
    targets: Sequence[UUID] | None
    approval_id: UUID | None
    source_event_id: UUID | None
    committed_at: datetime
    proposed_at: datetime
    correlation: str
    channels: Sequence[ShownPropagation] = ()


class ShownApproval(msgspec.Struct, frozen=True):
    id: UUID
    state: str
    requested_by: str
    author: str
    created_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str
    policy_version: int


class ApprovalItem(msgspec.Struct, frozen=True):
    approval: ShownApproval
    change: ShownChange


class ChannelPreview(msgspec.Struct, frozen=True):
    """What one channel shows now and would show. Margins are parts of one; None where the cost is not known."""

    connection_id: UUID
    channel: str
    shows: Value | None
    seen_at: datetime | None
    will_show: Value
    margin_now: float | None
    margin_then: float | None


class ApprovalDetail(msgspec.Struct, frozen=True):
    approval: ShownApproval
    change: ShownChange
    preview: Sequence[ChannelPreview]
    cost: Value | None


class ShownException(msgspec.Struct, frozen=True):
    """`severity` is 0 to 100; `breakdown` names the formula's version and its parts with their reasons."""

    id: UUID
    code: str
    title: str
    detail: str
    severity: int
    breakdown: dict[str, Any]
    state: str
    record_key: str | None
    element: str | None
    connection_id: UUID | None
    channel: str | None
    change_id: UUID | None
    source_event_id: UUID | None
    occurrences: int
    opened_at: datetime
    seen_at: datetime
    correction_due_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    correlation: str

    @property
    def can_replay(self) -> bool:
        """Whether there is something that can be done again (see `governance.exceptions.replay_exception`)."""
        on_channel = self.code.startswith("propagation.") and self.change_id is not None
        return self.state == "open" and self.connection_id is not None and (on_channel or bool(self.source_event_id))


class ShownDeadLetter(msgspec.Struct, frozen=True):
    id: UUID
    kind: str
    lane: str
    key: str
    attempts: int
    error: str
    enqueued_at: datetime
    died_at: datetime
    state: str
    settled_at: datetime | None
    settled_by: str | None
    correlation: str


class ShownEvent(msgspec.Struct, frozen=True):
    """A source event; `body` is its beginning, decoded as far as it can be shown."""

    id: UUID
    connection_id: UUID
    connection: str
    content_type: str
    via: str
    received_at: datetime
    correlation: str
    size: int
    body: str
    truncated: bool


class ChangeDetail(msgspec.Struct, frozen=True):
    """A change with its channels, the answer to it, and what is open about it."""

    change: ShownChange
    approval: ShownApproval | None
    exceptions: Sequence[ShownException]


class ChangePage(msgspec.Struct, frozen=True):
    """`next_after` goes into the next request; None on the last page."""

    items: Sequence[ShownChange]
    next_after: UUID | None = None


class ApprovalPage(msgspec.Struct, frozen=True):
    items: Sequence[ApprovalItem]
    next_after: UUID | None = None


class ExceptionPage(msgspec.Struct, frozen=True):
    items: Sequence[ShownException]
    next_after: UUID | None = None


class DeadLetterPage(msgspec.Struct, frozen=True):
    items: Sequence[ShownDeadLetter]
    next_after: UUID | None = None
