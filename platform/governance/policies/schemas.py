"""Structs of the policy for pages, commands and the API."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from canonical.values import Value
from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.web.requests import RequestBody
from policy.approvers import MOST_APPROVALS
from policy.rule_form import RuleForm, RuleOrigin, RuleOutcome
from policy.terms import Term

RuleId = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class RuleSource(StrEnum):
    """Origin of a rule: the account's own, its MSP's, or the account's own in place of its MSP's."""

    OWN = "own"
    INHERITED = "inherited"
    OVERRIDES = "overrides"


class RuleView(msgspec.Struct, frozen=True, kw_only=True):
    """A governance rule as people read it. `terms` is null when its condition was not made from terms; `sentence` and
    `conditions` are in the reader's language. `casbin` is the line of Casbin policy. `approvals` members with the role
    `approver` must approve, where the outcome is a review; `approvers_label` is empty if any one approver is enough.
    With the outcome `show`, `origin` is the role that sees the values.
    `inherited_sentence` is the MSP's rule in whose place this one is; `locked`: clients cannot replace it.
    """

    id: str
    element: str
    element_label: str
    outcome: RuleOutcome
    outcome_label: str
    origin: str
    origin_label: str
    terms: Sequence[Term] | None
    conditions: str
    sentence: str
    reason: str
    approver: str
    approvals: int
    approvers_label: str
    source: RuleSource
    locked: bool
    inherited_sentence: str
    casbin: str


class RuleOverride(LabelledCode):
    """Treatment of an MSP's rule by a client."""

    REPLACES = "replaces", N_("Replaces it by its own")
    OMITS = "omits", N_("Removes it")


class OverrideView(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of the MSP that one of its clients replaces or omits. `sentence`: the MSP's rule."""

    tenant_id: UUID
    client: str
    name: str
    rule_id: str
    element: str
    sentence: str
    override: RuleOverride


class PolicyView(msgspec.Struct, frozen=True):
    """The published policy. `permissions` are its own permission rules, as lines of Casbin. `omitted` are rules of
    the MSP that this account has removed for itself. `kept`: sentences about changes that need a person's approval
    regardless of the rules.
    """

    version: int
    rules: Sequence[RuleView]
    permissions: Sequence[str]
    has_draft: bool
    omitted: Sequence[RuleView] = ()
    kept: Sequence[str] = ()


class RuleInput(RequestBody, frozen=True, kw_only=True):
    """A rule to add to the draft, or with `rule_id` to change in it. Of one that needs approval, `approvals` members
    with the role `approver` must approve; an empty role means any approver. An MSP locks a rule of its own account to
    keep its clients from replacing it. The outcome `show` hides the element's values from all roles but `role`; further
    rules show them to further roles.
    """

    element: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    outcome: RuleOutcome
    origin: RuleOrigin = RuleOrigin.ANY
    terms: Annotated[list[Term], msgspec.Meta(max_length=12)] = msgspec.field(default_factory=list)
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    approver: Annotated[str, msgspec.Meta(max_length=100)] = ""
    approvals: Annotated[int, msgspec.Meta(ge=1, le=MOST_APPROVALS)] = 1
    role: Annotated[str, msgspec.Meta(max_length=100)] = ""
    locked: bool = False
    rule_id: Annotated[str, msgspec.Meta(max_length=200)] = ""

    @property
    def form(self) -> RuleForm:
        return RuleForm(
            element=self.element, outcome=self.outcome, origin=self.origin, terms=tuple(self.terms), reason=self.reason,
            approver=self.approver, approvals=self.approvals, role=self.role, locked=self.locked,
        )  # fmt: skip


class RuleToEdit(RequestBody, frozen=True):
    rule_id: RuleId


class DraftToPublish(RequestBody, frozen=True):
    """`revision` of the draft that was read."""

    revision: int


class DraftToSchedule(RequestBody, frozen=True):
    """`revision` of the draft that was read, and the time at which it comes into force, with its offset from UTC."""

    revision: int
    publish_at: Annotated[datetime, msgspec.Meta(tz=True)]


class ScheduledToWithdraw(RequestBody, frozen=True):
    id: UUID


class ScheduleWithdrawn(msgspec.Struct, frozen=True):
    """`state`: open, or withdrawn while another draft is open."""

    state: str


class PublicationScheduled(msgspec.Struct, frozen=True):
    id: UUID
    publish_at: datetime


class VersionToRestore(RequestBody, frozen=True):
    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class ReplayToStart(RequestBody, frozen=True):
    """`scheduled` is the id of a scheduled version; without it, the open draft is replayed."""

    days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 30
    scheduled: UUID | None = None


class ReplayStarted(msgspec.Struct, frozen=True):
    id: UUID


class RuleSaved(msgspec.Struct, frozen=True):
    rule: RuleView
    revision: int


class PolicyPublished(msgspec.Struct, frozen=True):
    version: int


class RuleDifferenceView(msgspec.Struct, frozen=True):
    """`kind`: added, changed or removed."""

    kind: str
    rule_id: str
    before: RuleView | None
    after: RuleView | None


class OutcomeCounts(msgspec.Struct, frozen=True):
    """Changes by outcome."""

    auto: int
    review: int
    refuse: int


class MoneyMoved(msgspec.Struct, frozen=True):
    """The sum of the price differences, in major units, of changes that are decided differently."""

    currency: str
    before: str
    after: str
    amount: str


class OutcomeMove(msgspec.Struct, frozen=True):
    """Changes that the published policy decides as `before` and the draft as `after`."""

    before: str
    after: str
    number: int


class ReplayView(msgspec.Struct, frozen=True, kw_only=True):
    """`differing` changes get another outcome; `moves` counts them by outcomes. `listed`: the number stored for the
    list. `is_current`: neither the draft's content nor the published policy has changed since. `of_scheduled`: the
    draft is scheduled. `answers_per_day` are the approvals needed, `reviewer_minutes_per_day` these times
    `handling_seconds`, the median time of one: an estimate from the account's past answers, or an assumption
    (`is_handling_measured`).
    """

    id: UUID
    state: str
    revision: int
    policy_version: int
    is_current: bool
    of_scheduled: bool
    days: int
    since: datetime
    until: datetime
    total: int
    replayed: int
    differing: int
    listed: int
    published: OutcomeCounts
    draft: OutcomeCounts
    moves: Sequence[OutcomeMove]
    money: Sequence[MoneyMoved]
    published_answers_per_day: float
    answers_per_day: float
    published_reviewer_minutes_per_day: float
    reviewer_minutes_per_day: float
    handling_seconds: float
    is_handling_measured: bool
    started_at: datetime
    started_by: str
    ended_at: datetime | None

    @property
    def handling_time(self) -> timedelta:
        return timedelta(seconds=self.handling_seconds)


class DraftView(msgspec.Struct, frozen=True, kw_only=True):
    """The open draft: `differences` to the published policy, and the `rules` as they would be. `left_out`: rules of the
    version that it restores which are not drafted, because their elements are retired.
    """

    revision: int
    policy_version: int
    editors: Sequence[str]
    opened_at: datetime
    changed_at: datetime
    restores: int | None
    may_publish: bool
    differences: Sequence[RuleDifferenceView]
    rules: Sequence[RuleView]
    replays: Sequence[ReplayView]
    left_out: Sequence[RuleView] = ()


class ScheduledVersionView(msgspec.Struct, frozen=True, kw_only=True):
    """A draft that comes into force at `publish_at`. `state`: scheduled, or failed for the reason `failure`. The
    differences are those to the rules in force now, of `policy_version`. `replay`: the newest since its last edit,
    which names the version it was compared with; null if none was made.
    """

    id: UUID
    state: str
    publish_at: datetime
    editors: Sequence[str]
    scheduled_by: str
    restores: int | None
    failure: str
    policy_version: int
    differences: Sequence[RuleDifferenceView]
    replay: ReplayView | None


class VersionView(msgspec.Struct, frozen=True):
    """A published version. `editors` drafted it, `published_by` published it. `inherits` is the version of the MSP's
    policy that it applied, if it was not published here.
    """

    version: int
    published_at: datetime
    published_by: str
    editors: Sequence[str]
    restores: int | None
    differences: Sequence[RuleDifferenceView]
    inherits: int | None = None


class ReplayDifferenceView(msgspec.Struct, frozen=True, kw_only=True):
    """A change that the draft decides differently. `reason` is in the reader's language."""

    change_id: UUID
    record_key: str
    element: str
    dimension: str
    record_type: str
    old: Value | None
    new: Value
    proposed_at: datetime
    before: str
    after: str
    rule_id: str
    reason: str
