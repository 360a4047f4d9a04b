"""Structs of changes for pages and the API."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from canonical.keys import PRODUCT, ElementKey
from canonical.values import MoneyValue, Value
from foundation.i18n.messages import StoredMessage
from foundation.web.requests import RequestBody
from governance.exceptions.schemas import ExceptionView
from governance.propagation.schemas import AttemptView, PropagationView


class ChangeView(msgspec.Struct, frozen=True):
    """A change. `reason` is the sentence of `explanation`, in the reader's language. `channels` is filled only where
    the endpoint documents so. Decision time ends at `decided_at`; `decision_excluded` is the time in which the client
    was suspended. `note`: the proposer's reason.
    """

    id: UUID
    record_key: str
    element: str
    dimension: str
    record_type: str
    old: Value | None
    new: Value
    origin: str
    author: str
    state: str
    outcome: str
    rule_id: str
    reason: str
    explanation: StoredMessage
    policy_version: int
    cost: Value | None
    version: int | None
    targets: Sequence[UUID] | None
    approval_id: UUID | None
    source_event_id: UUID | None
    committed_at: datetime
    proposed_at: datetime
    decided_at: datetime | None
    decision_excluded: timedelta
    correlation: str
    note: str = ""
    channels: Sequence[PropagationView] = ()

    @property
    def key(self) -> ElementKey:
        return ElementKey(self.record_key, self.element, self.dimension, self.record_type)

    @property
    def decision_time(self) -> timedelta | None:
        """From the proposal to the decision, without excluded time; None while it is pending."""
        return None if self.decided_at is None else self.decided_at - self.proposed_at - self.decision_excluded


class ApproversView(msgspec.Struct, frozen=True):
    """Required approvers: `given` of `number` approvals by members with `role`, called `label`. An empty role: any
    approver.
    """

    role: str
    label: str
    number: int
    given: int


class ApprovalView(msgspec.Struct, frozen=True):
    """An approval. `reason` is the decider's, or that of the withdrawal. Neither `requested_by` nor `author` may
    decide. For an API key's proposal they are the key and its creator. `approvers`: the required approvals, where one
    by any approver is not enough. `severity` is that of the exception that is opened when the approval is overdue,
    `impact` the size of the difference in price, null if no price is concerned.
    """

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
    approvers: Sequence[ApproversView] = ()
    severity: int = 0
    impact: MoneyValue | None = None


class SourceEventView(msgspec.Struct, frozen=True):
    """A source event; `body` is the decoded beginning, with undecodable bytes escaped."""

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
    """A change with its channels, its approval, its open exceptions, and its newest delivery attempts."""

    change: ChangeView
    approval: ApprovalView | None
    exceptions: Sequence[ExceptionView]
    attempts: Sequence[AttemptView]


class ValueInput(RequestBody, frozen=True):
    """A value for an element of a record. `dimension` is canonical, as `currency=EUR,price_list=retail`; empty if
    undivided.
    """

    record_key: str
    element: str
    value: Value
    dimension: str = ""
    record_type: str = PRODUCT

    @property
    def key(self) -> ElementKey:
        return ElementKey(self.record_key, self.element, self.dimension, self.record_type)


class ProposalInput(ValueInput, frozen=True):
    """Input of a proposal. `note`: the reason, for the approvers."""

    note: str = ""


class RollbackInput(RequestBody, frozen=True):
    """Input of a rollback; an empty connection is for every channel."""

    connection_id: UUID | None = None
