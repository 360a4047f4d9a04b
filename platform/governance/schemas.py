"""What pages and the API show of governance. Amounts are integer minor units, or pieces when the currency is empty."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec

from canonical.elements import Value
from governance.states import MOVING, STOPPED

SECOND_WRITER: Final = "contract.second_writer"
_SENT: Final = (SECOND_WRITER, "approval.stale")


class ShownPropagation(msgspec.Struct, frozen=True):
    """One change on one channel. Only `verified` means that a buyer sees it.

    Delivery is timed from `released_at`; `excluded` is the time in which the channel was paused or the client
    suspended. `late` compares it with the target, `slo_due_at`.
    """

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
    released_at: datetime
    slo_due_at: datetime
    late: bool
    excluded: timedelta
    channel_paused_at: datetime | None
    accepted_at: datetime | None
    verified_at: datetime | None
    read: Value | None
    previous: Value | None
    error: str | None

    @property
    def is_open(self) -> bool:
        """Work is under way: a page that shows it looks again by itself."""
        return self.state in MOVING

    @property
    def is_running(self) -> bool:
        """Its clock runs: no buyer sees it, and no newer value has taken its place."""
        return self.state in MOVING or self.state in STOPPED

    @property
    def took(self) -> timedelta | None:
        """Delivery time: from the release to the read-back, without excluded time."""
        return None if self.verified_at is None else self.verified_at - self.released_at - self.excluded

    @property
    def is_paused(self) -> bool:
        """The channel is paused, so the delivery clock stands still."""
        return self.is_running and self.channel_paused_at is not None


class ShownChange(msgspec.Struct, frozen=True):
    """`channels` is filled where the answer says so. Decision time ends at `decided_at`; `decision_excluded` is the
    time in which the client was suspended.
    """

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
    decided_at: datetime | None
    decision_excluded: timedelta
    correlation: str
    channels: Sequence[ShownPropagation] = ()

    @property
    def decision_time(self) -> timedelta | None:
        """From the proposal to the decision, without excluded time; None while it is pending."""
        return None if self.decided_at is None else self.decided_at - self.proposed_at - self.decision_excluded


class ShownApproval(msgspec.Struct, frozen=True):
    """Neither `requested_by` nor `author` may decide. For a key's proposal they are the key and who made it."""

    id: UUID
    state: str
    requested_by: str
    author: str
    created_at: datetime
    due_at: datetime | None
    overdue: bool
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str
    policy_version: int


class ApprovalItem(msgspec.Struct, frozen=True):
    approval: ShownApproval
    change: ShownChange


class ChannelPreview(msgspec.Struct, frozen=True):
    """What one channel shows now and would show; `will_show` is None once it cannot come of this approval any more.

    Margins are parts of one; None where the cost is not known.
    """

    connection_id: UUID
    channel: str
    shows: Value | None
    seen_at: datetime | None
    will_show: Value | None
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
        on_channel = is_of_channel(self.code, self.change_id, self.connection_id, self.source_event_id)
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


class ProposalInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`amount` in minor units of `currency`; stock in pieces, without a currency."""

    record_key: str
    element: str
    amount: int
    currency: Annotated[str, msgspec.Meta(pattern="^([A-Z]{3})?$")] = ""


class AnswerInput(msgspec.Struct, frozen=True):
    """Declining needs a reason. With `approval_id`, only what was looked at under that approval is answered."""

    grant: bool
    reason: str = ""
    approval_id: UUID | None = None


class RollbackInput(msgspec.Struct, frozen=True):
    """Without a connection: on every channel."""

    connection_id: UUID | None = None


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


class ConnectionHealth(msgspec.Struct, frozen=True):
    """`waiting` stops counting at `governance.systems.queries.MANY`."""

    id: UUID
    kind: str
    role: str
    name: str
    base_url: str
    state: str
    partner: str | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str | None
    waiting: int
    oldest_waiting: datetime | None

    @property
    def standing(self) -> str:
        """Paused | unused | failing | working."""
        if self.state != "active":
            return "paused"
        if self.last_failure_at is None:
            return "unused" if self.last_success_at is None else "working"
        if self.last_success_at is None or self.last_failure_at > self.last_success_at:
            return "failing"
        return "working"

    @property
    def hook_path(self) -> str:
        """Where the system sends its messages; only sources do."""
        return f"/hooks/{self.id}" if self.role == "erp" else ""


class NewHookSecret(msgspec.Struct, frozen=True):
    """`webhook_secret` is shown this once. The one before it holds until the next renewal."""

    webhook_secret: str


class ShownContract(msgspec.Struct, frozen=True):
    element: str
    source: str
    owner: str
    workflow: str
    propagation_slo: timedelta
    correction_slo: timedelta
    decision_slo: timedelta
    approval_ttl: timedelta
    version: int
    published_at: datetime


class ShownValue(msgspec.Struct, frozen=True):
    """What a channel was last seen to show."""

    channel: str
    record_key: str
    element: str
    value: Value
    seen_at: datetime


class ShownEntry(msgspec.Struct, frozen=True):
    """One entry of the audit chain."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    data: dict[str, Any]
    correlation: str

    @property
    def told(self) -> str:
        """`data` in a line."""
        told = ((name, value) for name, value in self.data.items() if value not in (None, "", [], {}))
        return ", ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in told)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


class ShownPart(msgspec.Struct, frozen=True):
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


class ShownBaseline(msgspec.Struct, frozen=True):
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
    parts: Sequence[ShownPart] = ()

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
    """`next_after` goes into the next request; empty on the last page."""

    items: Sequence[ComparedValue]
    next_after: str = ""


class BaselinePage(msgspec.Struct, frozen=True):
    items: Sequence[ShownBaseline]
    next_after: UUID | None = None


class EntryPage(msgspec.Struct, frozen=True):
    items: Sequence[ShownEntry]
    next_after: int | None = None


def is_of_channel(code: str, change_id: UUID | None, connection_id: UUID | None, source_event_id: UUID | None) -> bool:
    """Whether it is about a value on its way to a channel, or seen there and lost again: it can be sent again."""
    if change_id is None or connection_id is None:
        return False
    return code.startswith("propagation.") or (code in _SENT and source_event_id is None)
