"""Structs of approvals for pages and the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from canonical.values import Value
from foundation.web.actions import BulkIds
from foundation.web.requests import RequestBody
from governance.changes.schemas import ApprovalView, ChangeView


class ApprovalItem(msgspec.Struct, frozen=True):
    approval: ApprovalView
    change: ChangeView


class ChannelPreview(msgspec.Struct, frozen=True):
    """Current and resulting value of one channel; `will_show` is None once the approval can no longer lead to it.

    Margins are fractions of one; None where the cost is unknown.
    """

    connection_id: UUID
    channel: str
    shows: Value | None
    seen_at: datetime | None
    will_show: Value | None
    margin_now: float | None
    margin_then: float | None


class ChannelOutcome(msgspec.Struct, frozen=True):
    """Decision on the same value for another channel, where policy decides per channel. `reason` is a sentence."""

    connection_id: UUID
    channel: str
    change_id: UUID
    state: str
    outcome: str
    reason: str


class VoteView(msgspec.Struct, frozen=True):
    """One member's approval, where several are required. `by` is the member's id."""

    by: str
    at: datetime
    reason: str


class ComparedFact(msgspec.Struct, frozen=True):
    """A fact of a decision. `label`, `value` and `threshold`, the limit in the rule, are in the reader's language; a
    fact without a threshold is not compared by the rule.
    """

    kind: str
    label: str
    value: str
    threshold: str = ""


class Alternative(msgspec.Struct, frozen=True):
    """An alternative to approving, as a sentence. `value`: the last value that would pass by itself."""

    kind: Literal["pass", "other_channels", "propose", "source", "decline", "wait"]
    text: str
    value: Value | None = None


class DecisionExplanation(msgspec.Struct, frozen=True):
    """The facts of the decision, and the alternatives to an approval, which only a pending one has.

    `content` identifies what an answer is about: the value, the data of the decision, the policy and the channels, as
    they are now. An answer with it is refused once one of them has changed. Empty for an approval that is not pending.
    """

    content: str
    facts: Sequence[ComparedFact]
    alternatives: Sequence[Alternative]


class ApprovalDetail(msgspec.Struct, frozen=True):
    """`elsewhere`: decisions on the same value for other channels, made at the same time. `votes`: the approvals given
    so far, where more than one by any approver is required.
    """

    approval: ApprovalView
    change: ChangeView
    preview: Sequence[ChannelPreview]
    cost: Value | None
    elsewhere: Sequence[ChannelOutcome] = ()
    votes: Sequence[VoteView] = ()
    explanation: DecisionExplanation | None = None


class AnswerInput(RequestBody, frozen=True):
    """Input of a decision. Declining needs a reason. With `approval_id`, only that approval can be decided; with
    `content`, only an approval whose `explanation` still has this `content`.
    """

    grant: bool
    reason: str = ""
    approval_id: UUID | None = None
    content: Annotated[str, msgspec.Meta(max_length=64)] = ""


class ApprovalBulk(RequestBody, frozen=True):
    """Up to 200 approvals, by their own ids, and one answer for all. Declining needs a reason."""

    action: Literal["approve", "decline"]
    ids: BulkIds
    reason: str = ""
