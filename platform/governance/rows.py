"""Rows the hot path writes and reads, as plain values."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from canonical.elements import Observation, Value


class Contract(msgspec.Struct, frozen=True):
    """See `governance.models.ElementContract`."""

    element: str
    source_connection_id: UUID | None
    propagation_slo_ms: int
    correction_slo_ms: int
    approval_ttl_s: int
    clocks_from: datetime | None = None
    decision_slo_ms: int = 86_400_000


class Channel(msgspec.Struct, frozen=True):
    """A connection that shows values to buyers."""

    connection_id: UUID
    partner_id: UUID | None
    name: str


class Observed(msgspec.Struct, frozen=True, gc=False):
    """An observation and where it came from."""

    observation: Observation
    connection_id: UUID
    source_event_id: UUID
    correlation: str
    any_version: bool = False
    """A person wants it taken, whatever the version that is known."""


class ValueRow(msgspec.Struct, gc=False):
    """A `record_value`; changed in memory while a batch is planned."""

    record_key: str
    element: str
    source_amount: int
    source_currency: str
    source_version: int
    source_event_id: UUID | None
    amount: int | None = None
    currency: str | None = None
    version: int = 0
    change_id: UUID | None = None
    source_connection_id: UUID | None = None
    source_committed_at: datetime | None = None

    @property
    def source(self) -> Value:
        return Value(self.source_amount, self.source_currency)

    @property
    def approved(self) -> Value | None:
        return None if self.amount is None else Value(self.amount, self.currency or "")


class Proposal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A new value for a record's element, and who and what led to it. `maker`: see `foundation.scope.Actor`."""

    value: Value
    origin: str
    author: str
    committed_at: datetime
    source_event_id: UUID | None
    correlation: str
    targets: list[UUID] | None = None
    maker: str = ""


class ChangeRow(msgspec.Struct, gc=False):
    id: UUID
    record_key: str
    element: str
    old_amount: int | None
    old_currency: str | None
    new_amount: int
    new_currency: str
    source_version: int
    version: int | None
    origin: str
    author: str
    state: str
    outcome: str
    rule_id: str
    reason: str
    policy_version: int
    cost_amount: int | None
    targets: list[UUID] | None
    approval_id: UUID | None
    source_event_id: UUID | None
    committed_at: datetime
    proposed_at: datetime
    correlation: str
    maker: str = ""
    decided_at: datetime | None = None

    @property
    def value(self) -> Value:
        return Value(self.new_amount, self.new_currency)

    def again(self, targets: list[UUID] | None) -> Proposal:
        """The same value to be decided once more, for `targets`."""
        return Proposal(
            value=self.value,
            origin=self.origin,
            author=self.author,
            committed_at=self.committed_at,
            source_event_id=self.source_event_id,
            correlation=self.correlation,
            targets=targets,
            maker=self.maker,
        )


class Awaiting(msgspec.Struct, frozen=True, gc=False):
    """A change that waits for a person. `content_hash` is what its approval is for; None when it has no open one.

    `answered`: a person granted it, and a worker is about to carry it out.
    """

    change: ChangeRow
    content_hash: bytes | None
    answered: bool = False


class PropagationRow(msgspec.Struct, gc=False):
    change_id: UUID
    connection_id: UUID
    partner_id: UUID | None
    id: UUID
    record_key: str
    element: str
    amount: int
    currency: str
    version: int
    state: str
    committed_at: datetime
    released_at: datetime
    slo_due_at: datetime
    correlation: str
    excluded: timedelta = timedelta(0)
    excluded_until: datetime | None = None


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """A source event with its connection's kind."""

    id: UUID
    connection_id: UUID
    kind: str
    body: bytes
    correlation: str
    received_at: datetime
    via: str


class NewException(msgspec.Struct, frozen=True):
    """`subject` makes repeats one exception. Severity is computed when it is opened (`governance.severity`)."""

    code: str
    subject: str
    title: str
    detail: str
    correction_slo_ms: int
    exposure_minor: int = 0
    channels: int = 0
    record_key: str | None = None
    element: str | None = None
    connection_id: UUID | None = None
    change_id: UUID | None = None
    source_event_id: UUID | None = None
    correlation: str = ""
