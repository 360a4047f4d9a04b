"""Planning of an acceptance. Pure: a snapshot in, a plan of writes out.

A value shown by every channel, or by none, is approved as it is. A difference becomes a change, compared with the
channel's value, for the channels that differ. While such a change is pending or refused, the approved value is the
channel's: the next value from the source is then compared with the value that buyers see, and not with one that was
never approved.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import msgspec

from canonical.elements import REFERENCE_ELEMENTS
from canonical.keys import ElementKey
from canonical.values import MoneyValue, QuantityValue, Value
from governance.baseline.rows import (
    Compared,
    Comparison,
    Counts,
    InFlight,
    LinkedChange,
    Reading,
    ShownReading,
    SourceItem,
)
from governance.changes.planner import (
    BASELINE,
    DecisionSnapshot,
    Plan,
    decide_by_channel,
    draft_change,
    evaluate,
    refusal_of,
    release,
)
from governance.changes.rows import ChangeRow, Proposal
from governance.changes.states import ChangeState
from governance.elements.rows import Contract
from governance.messages.reasons import BASELINE_ACCEPTED
from governance.records.rows import Channel, ValueRow
from policy.index import Decision
from policy.rules import PolicyOutcome

_FURTHEST: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Act:
    """The acceptance: actor and baseline."""

    baseline_id: UUID
    author: str


@dataclass(slots=True)
class Acceptance:
    plan: Plan = field(default_factory=lambda: Plan(superseded_reason=BASELINE_ACCEPTED.fill()))
    counts: Counts = field(default_factory=Counts)
    seen: list[ShownReading] = field(default_factory=list)
    made: list[LinkedChange] = field(default_factory=list)


@dataclass(slots=True)
class _Case:
    """One value of one record during planning. `row` is the approved value, mutated here."""

    item: SourceItem
    value: Value
    contract: Contract
    row: ValueRow
    readings: Sequence[Reading]
    fresh: bool  # the approved value is not yet the source's

    @property
    def key(self) -> ElementKey:
        return self.item.key


def plan_acceptance(
    compared: Iterable[Compared], in_flight: InFlight, snapshot: DecisionSnapshot, act: Act
) -> Acceptance:
    """Plan a batch, reference elements first, so that a price is compared with the cost in the same reading."""
    made = Acceptance()
    for one in sorted(compared, key=lambda one: one.item.element not in REFERENCE_ELEMENTS):
        case = _take(one, in_flight, snapshot, made)
        if case is not None:
            _accept(case, in_flight, snapshot, act, made)
    return made


def _take(one: Compared, in_flight: InFlight, snapshot: DecisionSnapshot, made: Acceptance) -> _Case | None:
    """Prepare one value; None if there is nothing to decide."""
    item, value, key = one.item, one.item.value, one.item.key
    contract = snapshot.contracts.find(key)
    if value is None or contract is None or contract.source_connection_id != item.connection_id:
        return None
    before = snapshot.values.get(key)
    known = before is not None and before.source_value == value
    if before is not None and before.source_version > (item.source_version or 0) and not known:
        made.counts.overtaken += 1
        return None
    row = _with_source(item, value, before)
    snapshot.values[key] = row
    if not contract.distributed:
        made.counts.accepted += row.value != value
        row.approve(value)
        if row != before:
            made.plan.values[key] = row
        return None
    if before is not None and known and before.value not in (None, value):
        return None  # already decided on these facts: pending, refused or declined
    readings = [_latest(reading, in_flight) for reading in one.readings]
    if row != before:
        made.plan.values[key] = row
    return _Case(item, value, contract, row, readings, fresh=row.value != value)


def _with_source(item: SourceItem, value: Value, before: ValueRow | None) -> ValueRow:
    version = item.source_version or 0
    if before is None:
        return ValueRow(*item.key, value, version, item.source_event_id)
    if before.source_version >= version:
        return msgspec.structs.replace(before)
    return msgspec.structs.replace(
        before, source_value=value, source_version=version, source_event_id=item.source_event_id
    )


def _latest(reading: Reading, in_flight: InFlight) -> Reading:
    """The channel's latest value: one seen after the baseline's reading replaces that reading."""
    value = in_flight.later.get((reading.connection_id, reading.key))
    return reading if value is None else msgspec.structs.replace(reading, value=value)


def _accept(case: _Case, in_flight: InFlight, snapshot: DecisionSnapshot, act: Act, made: Acceptance) -> None:
    row = case.row
    shown = [reading for reading in case.readings if reading.value is not None]
    # A channel that compares versions accepts only higher ones, also if another system wrote the current one.
    highest = max((reading.version or 0 for reading in case.readings), default=0)
    if case.fresh or row.version < highest:
        made.plan.values[case.key] = row
    row.version = max(row.version, highest)
    changes = _decide(case, _differing(case, in_flight), in_flight, snapshot, act)
    if case.fresh:
        made.plan.superseded.add(case.key)
    if case.fresh and not changes and (shown or not _is_refused(case, in_flight, snapshot, act, made)):
        row.version += row.value is not None  # supersedes the propagations still running
        row.approve(case.value)
        row.change_id = None
        made.counts.accepted += 1
    version, current_change = row.version, row.change_id
    undecided = [change for change in changes if change.state != ChangeState.RELEASED]
    for change in changes:
        _carry_out(case, change, snapshot, made)
    if undecided and case.fresh and row.value in (None, case.value):
        nearest = max(undecided, key=lambda change: _distance(change, case.value))
        if row.value is None or row.first_value is not None:
            row.first_value = nearest.old_value
        row.value = nearest.old_value
    _record_shown(case, shown, version, current_change, snapshot, made)


def _differing(case: _Case, in_flight: InFlight) -> list[Reading]:
    """Readings that differ, or that could not be read exactly.

    Without channels to which the approved value is being sent, or that have a change pending approval.
    """
    differing = [
        reading
        for reading in case.readings
        if reading.value != case.value and (reading.value is not None or reading.comparison is Comparison.DIFFERS)
    ]
    if case.fresh:
        return differing
    if (case.key, case.value) in in_flight.awaiting:
        return []
    sent = case.row.change_id
    return [r for r in differing if sent is None or (sent, r.connection_id) not in in_flight.on_the_way]


def _decide(
    case: _Case, differing: Sequence[Reading], in_flight: InFlight, snapshot: DecisionSnapshot, act: Act
) -> list[ChangeRow]:
    """Create at most one change per outcome, for all its channels, decided by the largest difference."""
    grouped: defaultdict[PolicyOutcome, list[tuple[Reading, Decision]]] = defaultdict(list)
    channels = {channel.connection_id: channel for channel in snapshot.targets(case.key)}
    for reading in differing:
        decision = _evaluate(case, reading.value, snapshot, channels.get(reading.connection_id))
        if decision.outcome is PolicyOutcome.REFUSE and not case.fresh and case.key in in_flight.refused:
            continue
        grouped[decision.outcome].append((reading, decision))
    changes = []
    for found in grouped.values():
        widest, decision = max(found, key=lambda pair: _width(pair[0].value, case.value))
        targets = sorted(reading.connection_id for reading, _ in found)
        only = None if set(targets) == channels.keys() else targets
        changes.append(_change(case, widest.value, decision, snapshot, act, only))
    return changes


def _evaluate(case: _Case, shown: Value | None, snapshot: DecisionSnapshot, channel: Channel | None = None) -> Decision:
    return evaluate(case.value, case.row, shown, snapshot, origin=BASELINE, channel=channel)


def _is_refused(case: _Case, in_flight: InFlight, snapshot: DecisionSnapshot, act: Act, made: Acceptance) -> bool:
    """Whether policy refuses the value everywhere, which is possible even if no channel has it."""
    decision = decide_by_channel(case.value, case.row, case.row.value, snapshot, origin=BASELINE)[0].decision
    if decision.outcome is not PolicyOutcome.REFUSE:
        return False
    if case.key not in in_flight.refused:
        _carry_out(case, _change(case, case.row.value, decision, snapshot, act), snapshot, made)
    return True


def _carry_out(case: _Case, change: ChangeRow, snapshot: DecisionSnapshot, made: Acceptance) -> None:
    made.plan.changes.append(change)
    made.plan.values[case.key] = case.row
    targets = None if change.targets is None else set(change.targets)
    made.made += [
        LinkedChange(*reading.key, reading.connection_id, change.id)
        for reading in case.readings
        if reading.value != case.value and (targets is None or reading.connection_id in targets)
    ]
    if change.state == ChangeState.RELEASED:
        made.counts.automatic += 1
        made.plan.propagations += release(change, case.row, case.contract, snapshot.targets(case.key), snapshot.new_id)
    elif change.state == ChangeState.AWAITING_APPROVAL:
        made.counts.awaiting += 1
    else:
        made.counts.refused += 1
        made.plan.exceptions.append(refusal_of(change, case.contract, len(snapshot.targets(case.key))))


def _record_shown(  # noqa: PLR0913, PLR0917 - one step of the plan
    case: _Case,
    shown: Sequence[Reading],
    version: int,
    change_id: UUID | None,
    snapshot: DecisionSnapshot,
    made: Acceptance,
) -> None:
    """Record each channel's current value; an equal value is verified by that."""
    partners = {channel.connection_id: channel.partner_id for channel in snapshot.channels}
    for reading in shown:
        value = reading.value
        if value is None:
            continue
        equal = value == case.value
        made.counts.proven += equal
        made.seen.append(
            ShownReading(
                *reading.key, reading.connection_id, partners.get(reading.connection_id), value, version,
                change_id if equal else None, reading.seen_at,
            )
        )  # fmt: skip


def _distance(change: ChangeRow, value: Value) -> float:
    return _width(change.old_value, value)


def _width(shown: Value | None, value: Value) -> float:
    """Distance of numbers; largest for another currency or unit, for anything uncounted, or when nothing is shown."""
    match shown, value:
        case (MoneyValue(), MoneyValue()) if shown.currency == value.currency:
            return float(abs(shown.number - value.number))
        case (QuantityValue(), QuantityValue()) if shown.unit == value.unit:
            return float(abs(shown.number - value.number))
    return _FURTHEST


def _change(  # noqa: PLR0913, PLR0917 - one draft of the plan
    case: _Case,
    shown: Value | None,
    decision: Decision,
    snapshot: DecisionSnapshot,
    act: Act,
    targets: list[UUID] | None = None,
) -> ChangeRow:
    proposal = Proposal(
        value=case.value,
        origin=BASELINE,
        author=act.author,
        committed_at=snapshot.now,
        source_event_id=case.row.source_event_id,
        correlation=str(act.baseline_id),
        targets=targets,
    )
    return draft_change(proposal, case.row, shown, decision, snapshot)
