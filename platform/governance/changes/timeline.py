"""Timeline of a change. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from branding.formats import format_duration
from governance.changes.planner import BASELINE
from governance.changes.schemas import ApprovalView, ChangeDetail, ChangeView
from governance.labels import write_value
from governance.propagation.schemas import AttemptView, PropagationView

_DECIDED: Final = {
    "auto": ("Passed policy", "accent"),
    "review": ("Policy requires approval", "warn"),
    "refuse": ("Refused by policy", "bad"),
}
_ANSWERED: Final = {
    "refused": ("Declined", "bad"),
    "expired": ("Approved, but expired before publishing", "neutral"),
    "withdrawn": ("Withdrawn: a newer value arrived", "neutral"),
}


class TimelineEntry(msgspec.Struct, frozen=True):
    """One timeline event; `kind` and `icon` are those of branding's components."""

    at: datetime
    title: str
    kind: str
    icon: str
    by: str = ""
    text: str = ""
    place: int = 0
    """Tie-breaker for equal times: later stages are higher."""
    is_origin: bool = False


def build_timeline(detail: ChangeDetail, names: Mapping[str, str]) -> list[TimelineEntry]:
    """Build the timeline, newest first. `names` are the display names of all actors of the change and its approval."""
    change = detail.change
    moments = [_origin(change, names), _decision(change)]
    if detail.approval is not None:
        moments += _answers(detail.approval, names)
    for propagation in change.channels:
        moments += _on_channel(propagation)
    moments += [_unanswered(attempt) for attempt in detail.attempts if attempt.outcome == "unanswered"]
    return sorted(moments, key=lambda moment: (moment.at, moment.place), reverse=True)


def _origin(change: ChangeView, names: Mapping[str, str]) -> TimelineEntry:
    by = names[change.author]
    if change.origin == "rollback":
        text = "A person restored a value that was approved before."
        return TimelineEntry(change.committed_at, "Rolled back", "neutral", "undo", by, text, is_origin=True)
    if change.origin == BASELINE:
        text = "The channel showed another value than the source when a baseline was accepted."
        return TimelineEntry(
            change.committed_at, "Found by a baseline", "neutral", "database", by, text, is_origin=True
        )
    if change.origin == "proposal":
        text = "Proposed here: no connected system owns this element."
        return TimelineEntry(change.committed_at, "Proposed", "neutral", "database", by, text, is_origin=True)
    return TimelineEntry(change.committed_at, "Committed at the source", "neutral", "database", by, is_origin=True)


def _decision(change: ChangeView) -> TimelineEntry:
    title, kind = _DECIDED.get(change.outcome, (change.outcome, "neutral"))
    return TimelineEntry(change.proposed_at, title, kind, "policy", text=change.reason, place=1)


def _answers(approval: ApprovalView, names: Mapping[str, str]) -> list[TimelineEntry]:
    asked = [TimelineEntry(approval.created_at, "Approval requested", "warn", "inbox", place=2)]
    if approval.overdue and approval.due_at is not None:
        text = "Nobody had answered by the due time. This counts as decision time, not as delivery time."
        asked.append(TimelineEntry(approval.due_at, "Approval overdue", "warn", "clock", text=text, place=2))
    if approval.decided_at is None:
        return asked
    title, kind = _ANSWERED.get(approval.state, ("Approved", "ok"))
    by = names[approval.decided_by] if approval.decided_by else ""
    return [*asked, TimelineEntry(approval.decided_at, title, kind, "approve", by, approval.reason, place=3)]


def _unanswered(attempt: AttemptView) -> TimelineEntry:
    text = f"No answer was recorded, so {attempt.channel} may have shown {write_value(attempt.sent)} from then on."
    return TimelineEntry(attempt.started_at, f"Possibly shown on {attempt.channel}", "warn", "eye", text=text, place=4)


def _on_channel(p: PropagationView) -> list[TimelineEntry]:
    found: list[TimelineEntry] = []
    if p.accepted_at is not None and (p.verified_at is None or p.accepted_at < p.verified_at):
        text = "The channel accepted it. Buyers see it only after the read-back."
        found.append(TimelineEntry(p.accepted_at, f"Accepted by {p.channel}", "warn", "clock", text=text, place=4))
    if p.verified_at is not None and p.took is not None:
        paused = f", {format_duration(p.excluded)} paused excluded" if p.excluded else ""
        text = f"Read back {write_value(p.read)}, {format_duration(p.took)} after its release{paused}."
        found.append(TimelineEntry(p.verified_at, f"Visible on {p.channel}", "ok", "eye", text=text, place=5))
    if p.late:
        text = f"{p.channel} did not show the value by its delivery target, which counts from the release."
        found.append(TimelineEntry(p.slo_due_at, "Late", "bad", "clock", text=text, place=4))
    return found
