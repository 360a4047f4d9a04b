"""Planning of a batch of observations. Pure: a snapshot in, a plan of writes out.

In order: the contract decides whether the sender may set the element; a version older than the known one is dropped
(late, repeated or reordered); a value equal to the approved one is an echo and changes nothing; policy decides the
rest, and each value it lets pass is planned for every channel that can show it. Where rules name facts of the channel,
each channel has a decision of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from canonical.elements import REFERENCE_ELEMENTS
from canonical.keys import ElementKey
from canonical.messages import Observation
from canonical.values import Value
from foundation.i18n.messages import StoredMessage
from foundation.ids import NewId
from governance.changes.content_hash import content_hash
from governance.changes.rows import Awaiting, ChangeRow, Proposal
from governance.changes.states import CHANGES, ChangeState
from governance.elements.contracts import Contracts
from governance.elements.rows import Contract, Observed
from governance.exception_types import ExceptionType
from governance.exceptions.catalogue import contract_missing, stale_value
from governance.exceptions.rows import Exposure, NewException
from governance.messages import exceptions as messages
from governance.messages.parameters import about
from governance.messages.reasons import NEWER_DATA
from governance.propagation.rows import PropagationRow
from governance.propagation.states import PropagationState
from governance.records.reference_values import known_cost
from governance.records.routing import targets_of
from governance.records.rows import CHANNEL_FACTS, Channel, ValueRow
from governance.records.validation import latest_version
from policy.approvers import ANYONE_ONCE, Approvers, combine_approvers
from policy.conditions import Facts
from policy.facts import larger_month_change, proposer_facts, value_facts
from policy.index import Decision, PolicyIndex, decide
from policy.kept import keep_with_people
from policy.rules import PolicyOutcome

SOURCE: Final = "source"
BASELINE: Final = "baseline"
ROLLBACK: Final = "rollback"
_STATE_OF: Final = {
    PolicyOutcome.AUTO: ChangeState.RELEASED,
    PolicyOutcome.REVIEW: ChangeState.AWAITING_APPROVAL,
    PolicyOutcome.REFUSE: ChangeState.REFUSED,
}
"""State of a change by policy outcome."""
LEAST_STRICT_FIRST: Final = (PolicyOutcome.AUTO, PolicyOutcome.REVIEW, PolicyOutcome.REFUSE)


@dataclass(frozen=True, slots=True)
class DecisionSnapshot:
    """Inputs of a decision, read in the transaction that writes the plan."""

    contracts: Contracts
    values: dict[ElementKey, ValueRow]
    index: PolicyIndex
    channels: Sequence[Channel]
    now: datetime
    new_id: NewId
    time: Facts = field(default_factory=dict)
    """Facts of the time; empty if no rule names one."""
    month: Mapping[ElementKey, Value] = field(default_factory=dict)
    """Values at the start of the month, for elements whose rules name it."""
    awaiting: Mapping[ElementKey, Sequence[Awaiting]] = field(default_factory=dict)
    sent: Mapping[tuple[UUID, ElementKey], frozenset[Value]] = field(default_factory=dict)
    """Values sent lately, by connection and key: an echo may arrive after the next value."""

    released: dict[tuple[UUID, ElementKey], Value] = field(default_factory=dict)
    """Values last released to each channel, for elements whose rules name facts of the channel."""

    approvers: dict[UUID, tuple[Approvers, ...]] = field(default_factory=dict)
    """Required approvers by change, where one approval by any approver is not enough."""

    def decides_by_channel(self, element: str) -> bool:
        """Whether the element's rules name facts of the channel, so that each channel has a decision of its own."""
        return not CHANNEL_FACTS.isdisjoint(self.index.facts.get(element, ()))

    def targets(self, key: ElementKey) -> list[Channel]:
        """Channels that the value of `key` is sent to."""
        contract = self.contracts.find(key) or self.contracts.find_ended(key)
        return targets_of(key, self.channels, contract, only=self.contracts.returned_to(key))


@dataclass(frozen=True, slots=True)
class ReferenceUpdate:
    """An update of the reference value `old` that policy lets pass; reference values are not sent to channels."""

    item: Observed
    old: Value | None


@dataclass(slots=True)
class Plan:
    values: dict[ElementKey, ValueRow] = field(default_factory=dict)
    changes: list[ChangeRow] = field(default_factory=list)
    propagations: list[PropagationRow] = field(default_factory=list)
    exceptions: list[NewException] = field(default_factory=list)
    superseded: set[ElementKey] = field(default_factory=set)
    held: list[Observed] = field(default_factory=list)
    """Held until a contract that selects them is published, and a new client's hold has ended
    (`governance.elements.held_observations`).
    """
    foreign: list[Observed] = field(default_factory=list)
    """Observations from a connection that is not the source of truth of their element."""
    reference_updates: list[ReferenceUpdate] = field(default_factory=list)
    superseded_reason: StoredMessage = field(default_factory=NEWER_DATA.fill)
    reviews_requested: dict[ElementKey, ChangeRow] = field(default_factory=dict)
    """Changes for which this plan itself requests approval."""
    resolved_keys: set[ElementKey] = field(default_factory=set)
    """Keys whose open source exceptions this plan resolves."""
    healed: list[str] = field(default_factory=list)
    """Subjects of `channel.drift` exceptions to resolve: the other system has the approved value again."""
    echoes: int = 0
    stale: int = 0


def plan_changes(observed: Iterable[Observed], snapshot: DecisionSnapshot) -> Plan:
    """Plan a batch, reference elements first, so that a price is compared with the cost in the same batch."""
    plan = Plan()
    for item in sorted(observed, key=lambda item: item.observation.element not in REFERENCE_ELEMENTS):
        _plan_one(item, snapshot, plan)
    return plan


def _plan_one(item: Observed, snapshot: DecisionSnapshot, plan: Plan) -> None:
    seen = item.observation
    contract = snapshot.contracts.find(seen.key)
    if contract is None or contract.source_connection_id != item.connection_id:
        _foreign(item, contract, snapshot, plan)
        return
    if snapshot.contracts.holds:
        plan.held.append(item)
        return
    key = seen.key
    row = snapshot.values.get(key)
    if row is not None and _is_older(item, row, snapshot.now):
        plan.stale += 1
        if _contradicts(seen, row):
            plan.resolved_keys.discard(key)
            plan.exceptions.append(stale_value(item, contract))
        return
    row = _with_source(item, row)
    snapshot.values[key] = plan.values[key] = row
    if _is_still_requested(seen.value, key, snapshot, plan):
        plan.echoes += 1
        return
    plan.superseded.add(key)
    if key in plan.reviews_requested:
        plan.reviews_requested.pop(key).move_to(ChangeState.SUPERSEDED)
    if row.value == seen.value:
        plan.echoes += 1
        plan.resolved_keys.add(key)
        return
    if not contract.distributed and _passes(seen.value, row, snapshot):
        plan.reference_updates.append(ReferenceUpdate(item, row.value))
        plan.resolved_keys.add(key)
        row.approve(seen.value)
        return
    settle_source(_proposal(item), row, snapshot, plan)


def _passes(value: Value, row: ValueRow, snapshot: DecisionSnapshot) -> bool:
    return evaluate(value, row, row.value, snapshot, origin=SOURCE).outcome is PolicyOutcome.AUTO


def _is_older(item: Observed, row: ValueRow, now: datetime) -> bool:
    """Whether the observation's version is not above the known one.

    Versions of a previous source connection are not comparable, nor is a version that our own clock assigned while it
    ran ahead.
    """
    if item.observation.version_is_ours and row.source_version > latest_version(now):
        return False
    same = row.source_connection_id is None or row.source_connection_id == item.connection_id
    return same and not item.any_version and item.observation.source_version <= row.source_version


def _contradicts(seen: Observation, row: ValueRow) -> bool:
    """Whether a value with an old version has a later commit time, or the known version with another value.

    Late and repeated messages do neither.
    """
    if seen.value == row.source_value:
        return False
    later = row.source_committed_at is not None and seen.committed_at > row.source_committed_at
    return later or seen.source_version == row.source_version


def _with_source(item: Observed, row: ValueRow | None) -> ValueRow:
    seen = item.observation
    if row is None:
        row = ValueRow(*seen.key, seen.value, seen.source_version, item.source_event_id)
    row.source_value = seen.value
    row.source_version, row.source_event_id = seen.source_version, item.source_event_id
    row.source_connection_id, row.source_committed_at = item.connection_id, seen.committed_at
    return row


def _is_still_requested(value: Value, key: ElementKey, snapshot: DecisionSnapshot, plan: Plan) -> bool:
    """Whether this value is already pending approval on the same facts, so that nothing new has to be decided."""
    if key in plan.reviews_requested:
        return plan.reviews_requested[key].new_value == value
    waiting = () if key in plan.superseded else snapshot.awaiting.get(key, ())
    return any(
        pending.change.origin == SOURCE
        and pending.change.new_value == value
        and pending.content_hash == content_of(pending.change, snapshot)
        for pending in waiting
    )


def _foreign(item: Observed, contract: Contract | None, snapshot: DecisionSnapshot, plan: Plan) -> None:
    seen = item.observation
    if contract is not None:
        plan.foreign.append(item)
    row = snapshot.values.get(seen.key)
    subject = f"{item.connection_id}:{seen.key.joined(':')}"
    lately = snapshot.sent.get((item.connection_id, seen.key), frozenset())
    if contract is not None and row is not None and (row.value == seen.value or seen.value in lately):
        plan.echoes += 1  # the channel's echo of our own write
        if row.value == seen.value:
            plan.healed.append(subject)
        return
    if contract is None:
        plan.held.append(item)
        # No exception while the client is set up, before its first contract, nor for a retired element.
        ended = seen.element in snapshot.contracts.retired or snapshot.contracts.find_ended(seen.key) is not None
        if snapshot.contracts and not ended:
            plan.exceptions.append(contract_missing(item, partly=snapshot.contracts.has(seen.element)))
        return
    plan.exceptions.append(
        NewException(
            code=ExceptionType.CHANNEL_DRIFT,
            subject=subject,
            message=messages.DRIFT_REPORTED.fill(**about(seen.key), value=seen.value),
            correction_slo_ms=contract.correction_slo_ms,
            key=seen.key,
            connection_id=item.connection_id,
            source_event_id=item.source_event_id,
            correlation=item.correlation,
        )
    )


def _proposal(item: Observed) -> Proposal:
    return Proposal(
        value=item.observation.value,
        origin=SOURCE,
        author=f"connection:{item.connection_id}",
        committed_at=item.observation.committed_at,
        source_event_id=item.source_event_id,
        correlation=item.correlation,
    )


def settle_source(proposal: Proposal, row: ValueRow, snapshot: DecisionSnapshot, plan: Plan) -> None:
    """Decide a value of the source: released, pending approval, or refused with an exception."""
    plan.resolved_keys.add(row.key)
    for change in propose(proposal, row, snapshot, plan):
        if change.outcome == PolicyOutcome.REFUSE:
            reached = len(snapshot.targets(change.key) if change.targets is None else change.targets)
            plan.exceptions.append(refusal_of(change, snapshot.contracts.get(row.key), reached))
            plan.resolved_keys.discard(change.key)
        elif change.outcome == PolicyOutcome.REVIEW:
            plan.reviews_requested[change.key] = change


def propose(proposal: Proposal, row: ValueRow, snapshot: DecisionSnapshot, plan: Plan) -> list[ChangeRow]:
    """Decide a proposal against the approved value; release it at once where policy lets it pass.

    Returns one change for all channels; or one per outcome, each for the channels that have it, automatic ones first.
    """
    changes = []
    for decision, targets, old in decide_by_channel(
        proposal.value,
        row,
        row.value,
        snapshot,
        origin=proposal.origin,
        targets=proposal.targets,
        roles=proposal.author_roles,
    ):
        change = draft_change(proposal, row, old, decision, snapshot)
        change.targets = targets
        changes.append(change)
        if decision.outcome is PolicyOutcome.AUTO:
            sent = release(change, row, snapshot.contracts.get(row.key), snapshot.targets(change.key), snapshot.new_id)
            snapshot.released.update({(each.connection_id, row.key): each.value for each in sent})
            plan.propagations += sent
    plan.changes += changes
    return changes


class ChannelDecision(NamedTuple):
    """A decision for the channels `targets`; None is every channel. `old`: the value to compare the new one with."""

    decision: Decision
    targets: list[UUID] | None
    old: Value | None


def decide_by_channel(  # noqa: PLR0913 - keyword-only after the data
    value: Value,
    row: ValueRow,
    old: Value | None,
    snapshot: DecisionSnapshot,
    *,
    origin: str,
    targets: list[UUID] | None = None,
    roles: Sequence[str] = (),
) -> list[ChannelDecision]:
    """Decisions, the least strict first. One that is the same for all channels is for `targets`.

    Each channel's decision compares with the value last released to that channel, which is older than the approved one
    if that was not released to the channel. Otherwise many small changes, each approved for the other channels only,
    would pass as one small change here.
    """
    reached = []
    if snapshot.decides_by_channel(row.element):
        reached = [each for each in snapshot.targets(row.key) if targets is None or each.connection_id in targets]
    if not reached:
        return [ChannelDecision(evaluate(value, row, old, snapshot, origin=origin, roles=roles), targets, old)]
    found: dict[PolicyOutcome, ChannelDecision] = {}
    for channel in reached:
        before = snapshot.released.get((channel.connection_id, row.key), old)
        decision = evaluate(value, row, before, snapshot, origin=origin, channel=channel, roles=roles)
        known = found.get(decision.outcome)
        if known is None:
            found[decision.outcome] = ChannelDecision(decision, [channel.connection_id], before)
        elif known.targets is not None:
            known.targets.append(channel.connection_id)
            found[decision.outcome] = known._replace(decision=_with_approvers_of(known.decision, decision))
    if len(found) == 1:
        return [ChannelDecision(decision, targets, old) for decision, _, _ in found.values()]
    return [found[outcome] for outcome in LEAST_STRICT_FIRST if outcome in found]


def _with_approvers_of(decision: Decision, other: Decision) -> Decision:
    """One review of several channels needs the approvers of each."""
    if other.approvers == decision.approvers:
        return decision
    required = [*(decision.approvers or ANYONE_ONCE), *(other.approvers or ANYONE_ONCE)]
    return msgspec.structs.replace(decision, approvers=combine_approvers(required))


def strictest_decision(change: ChangeRow, row: ValueRow, snapshot: DecisionSnapshot) -> Decision:
    """Decision on an open change as a whole when it is decided again: the strictest of its channels'."""
    decided = decide_by_channel(
        change.new_value,
        row,
        old_value_of(change, row),
        snapshot,
        origin=change.origin,
        targets=change.targets,
        roles=change.author_roles,
    )
    return decided[-1].decision


def old_value_of(change: ChangeRow, row: ValueRow) -> Value | None:
    """The value that an open change replaces: the approved one, unless the change is for channels that do not have
    that.
    """
    return row.value if change.targets is None or change.origin in {BASELINE, ROLLBACK} else change.old_value


def evaluate(  # noqa: PLR0913 - keyword-only after the data
    value: Value,
    row: ValueRow,
    old: Value | None,
    snapshot: DecisionSnapshot,
    *,
    origin: str,
    channel: Channel | None = None,
    roles: Sequence[str] = (),
) -> Decision:
    """Policy decision for `value` replacing `old`, on one channel or in general."""
    cost, month = known_cost(snapshot.values, row.key), snapshot.month.get(row.key)
    facts = value_facts(row.element, row.dimension, old, value, cost, month)
    if month is not None and old != row.value:  # a channel's value is not the approved one
        facts |= larger_month_change(facts)
    facts |= {**snapshot.time, **snapshot.contracts.facts_of(row.key)}
    facts = facts | channel.facts if channel else facts
    return decide_change(snapshot.index, origin, row.element, facts, roles=roles)


def decide_change(
    index: PolicyIndex, origin: str, element: str, facts: Facts, *, roles: Sequence[str] = ()
) -> Decision:
    """Policy decision on a change from `origin`. Source rules also apply to a baseline, whose values are the source's.
    A change reserved for people (`policy.kept`) passes only as a rollback. `roles`: those of the proposer.
    """
    subjects = (origin, SOURCE) if origin == BASELINE else (origin,)
    facts = {**facts, **proposer_facts(index.facts.get(element, ()), roles)}
    decision = decide(index, subjects, element, facts)
    return decision if origin == ROLLBACK else keep_with_people(decision, element, facts)


def draft_change(
    proposal: Proposal, row: ValueRow, old: Value | None, decision: Decision, snapshot: DecisionSnapshot
) -> ChangeRow:
    change_id = snapshot.new_id()
    if decision.approvers:
        snapshot.approvers[change_id] = decision.approvers
    return ChangeRow(
        *row.key,
        id=change_id,
        old_value=old,
        new_value=proposal.value,
        source_version=row.source_version,
        version=None,
        origin=proposal.origin,
        author=proposal.author,
        state=CHANGES.start(_STATE_OF[decision.outcome]),
        outcome=decision.outcome.value,
        rule_id=decision.rule_id,
        reason=decision.reason,
        policy_version=decision.policy_version,
        cost_value=known_cost(snapshot.values, row.key),
        targets=proposal.targets,
        approval_id=None,
        source_event_id=proposal.source_event_id,
        committed_at=proposal.committed_at,
        proposed_at=snapshot.now,
        correlation=proposal.correlation,
        on_behalf_of=proposal.on_behalf_of,
        decided_at=None if decision.outcome is PolicyOutcome.REVIEW else snapshot.now,
        note=proposal.note,
        author_roles=proposal.author_roles,
    )


def content_of(change: ChangeRow, snapshot: DecisionSnapshot) -> bytes:
    """Content hash that an approval of `change` would have on the current data."""
    value, cost = snapshot.values[change.key], known_cost(snapshot.values, change.key)
    return content_hash(
        change, value, cost, snapshot.targets(change.key), policy_version=snapshot.index.version,
        source=snapshot.contracts.get(change.key).source_connection_id,
    )  # fmt: skip


def release(
    change: ChangeRow, row: ValueRow, contract: Contract, channels: Sequence[Channel], new_id: NewId
) -> list[PropagationRow]:
    """Make the change the approved value and plan it for each channel, or for the change's targets only.

    Delivery is timed from the decision, not from the source's commit: human decision time does not count for the
    channel.
    """
    row.version += 1
    if not is_exception_of_one_channel(change):
        row.approve(change.new_value)
        row.change_id = change.id
    change.move_to(ChangeState.RELEASED)
    change.version = row.version
    released_at = change.decided_at or change.proposed_at
    begins = max(released_at, contract.clocks_from or released_at)
    due = begins + timedelta(milliseconds=contract.propagation_slo_ms)
    excluded = begins - released_at
    until = begins if excluded else None
    targets: set[UUID] | None = None if change.targets is None else set(change.targets)
    return [
        PropagationRow(
            *change.key, change.id, channel.connection_id, channel.partner_id, new_id(), change.new_value, row.version,
            PropagationState.PENDING, change.committed_at, released_at, due, change.correlation, excluded, until,
        )
        for channel in channels
        if contract.distributed and (targets is None or channel.connection_id in targets)
    ]  # fmt: skip


def is_exception_of_one_channel(change: ChangeRow) -> bool:
    """Whether the change is a rollback on one channel, which leaves the approved value of the others unchanged."""
    return change.origin == ROLLBACK and change.targets is not None


def refusal_of(change: ChangeRow, contract: Contract, channels: int) -> NewException:
    return NewException(
        code=ExceptionType.CHANGE_REFUSED,
        subject=change.key.joined(":"),
        message=messages.CHANGE_REFUSED.fill(element=about(change.key)["element"], reason=change.reason),
        correction_slo_ms=contract.correction_slo_ms,
        exposure=Exposure(change.old_value, change.new_value),
        channels=channels,
        key=change.key,
        change_id=change.id,
        source_event_id=change.source_event_id,
        correlation=change.correlation,
    )
