"""Structs of proposals for pages and the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from canonical.keys import ElementKey
from canonical.values import Value
from governance.changes.schemas import ApproversView, ProposalInput


class DecisionPreview(msgspec.Struct, frozen=True):
    """Decision that policy would make for some channels: `outcome` is auto, review or refuse, `reason` in the reader's
    language. `approvers`: the required approvers, if one approval by any approver is not enough.
    """

    outcome: str
    reason: str
    rule_id: str
    channels: Sequence[str]
    approvers: Sequence[ApproversView]


class ProposalPreview(msgspec.Struct, frozen=True):
    """Decisions on present data, the least strict first; `old` is the approved value."""

    old: Value | None
    new: Value
    policy_version: int
    decisions: Sequence[DecisionPreview]


class ScheduleInput(ProposalInput, frozen=True, kw_only=True):
    """Input of a proposal for `effective_at`, a time in the future with its offset."""

    effective_at: Annotated[datetime, msgspec.Meta(tz=True)]


class ScheduledProposalView(msgspec.Struct, frozen=True):
    """A scheduled proposal. `failure`: the reason, in the reader's language, why it was not proposed at its time."""

    id: UUID
    record_key: str
    element: str
    dimension: str
    record_type: str
    value: Value
    note: str
    effective_at: datetime
    state: str
    author: str
    author_name: str
    scheduled_at: datetime
    change_id: UUID | None
    failure: str
    ended_at: datetime | None
    ended_by: str | None

    @property
    def key(self) -> ElementKey:
        return ElementKey(self.record_key, self.element, self.dimension, self.record_type)
