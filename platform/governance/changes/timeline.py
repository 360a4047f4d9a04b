"""Timeline of a change, without values that are hidden from the reader."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from branding.formats import format_duration
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.redaction import redact
from governance.changes.planner import BASELINE
from governance.changes.schemas import ApprovalView, ChangeDetail, ChangeView
from governance.labels import write_value
from governance.propagation.schemas import AttemptView, PropagationView

_DECIDED: Final = {
    "auto": (N_("Passed policy"), "accent"),
    "review": (N_("Policy requires approval"), "warn"),
    "refuse": (N_("Refused by policy"), "bad"),
}
_ANSWERED: Final = {
    "refused": (N_("Declined"), "bad"),
    "expired": (N_("Approved, but expired before publishing"), "neutral"),
    "withdrawn": (N_("Withdrawn: a newer value arrived"), "neutral"),
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
    detail = redact(detail)
    change = detail.change
    moments = [_origin(change, names), _decision(change)]
    if detail.approval is not None:
        moments += build_answers(detail.approval, names)
    for propagation in change.channels:
        moments += _on_channel(propagation)
    moments += [_unanswered(attempt) for attempt in detail.attempts if attempt.outcome == "unanswered"]
    return sorted(moments, key=lambda moment: (moment.at, moment.place), reverse=True)


def _origin(change: ChangeView, names: Mapping[str, str]) -> TimelineEntry:
    by = names[change.author]
    if change.origin == "rollback":
        text = translate("A person restored a value that was approved before.")
        return TimelineEntry(change.committed_at, translate("Rolled back"), "neutral", "undo", by, text, is_origin=True)
    if change.origin == BASELINE:
        text = translate("The channel showed another value than the source when a baseline was accepted.")
        return TimelineEntry(
            change.committed_at, translate("Found by a baseline"), "neutral", "database", by, text, is_origin=True
        )
    if change.origin == "proposal":
        text = change.note or translate("Proposed here: no connected system owns this element.")
        return TimelineEntry(
            change.committed_at, translate("Proposed"), "neutral", "database", by, text, is_origin=True
        )
    return TimelineEntry(
        change.committed_at, translate("Committed at the source"), "neutral", "database", by, is_origin=True
    )


def _decision(change: ChangeView) -> TimelineEntry:
    title, kind = _DECIDED.get(change.outcome, (change.outcome, "neutral"))
    return TimelineEntry(change.proposed_at, translate(title), kind, "policy", text=change.reason, place=1)


def build_answers(approval: ApprovalView, names: Mapping[str, str]) -> list[TimelineEntry]:
    entries = [TimelineEntry(approval.created_at, translate("Approval requested"), "warn", "inbox", place=2)]
    if approval.overdue and approval.due_at is not None:
        text = translate("Nobody had answered by the due time. This counts as decision time, not as delivery time.")
        entries.append(
            TimelineEntry(approval.due_at, translate("Approval overdue"), "warn", "clock", text=text, place=2)
        )
    if approval.decided_at is None:
        return entries
    title, kind = _ANSWERED.get(approval.state, (N_("Approved"), "ok"))
    by = names[approval.decided_by] if approval.decided_by else ""
    return [
        *entries,
        TimelineEntry(approval.decided_at, translate(title), kind, "approve", by, approval.reason, place=3),
    ]


def _unanswered(attempt: AttemptView) -> TimelineEntry:
    text = translate(
        "No answer was recorded, so {channel} may have shown {value} from then on.",
        channel=attempt.channel,
        value=write_value(attempt.sent),
    )
    title = translate("Possibly shown on {channel}", channel=attempt.channel)
    return TimelineEntry(attempt.started_at, title, "warn", "eye", text=text, place=4)


def _on_channel(p: PropagationView) -> list[TimelineEntry]:
    found: list[TimelineEntry] = []
    if p.accepted_at is not None and (p.verified_at is None or p.accepted_at < p.verified_at):
        text = translate("The channel accepted it. Buyers see it only after the read-back.")
        title = translate("Accepted by {channel}", channel=p.channel)
        found.append(TimelineEntry(p.accepted_at, title, "warn", "clock", text=text, place=4))
    if p.verified_at is not None and p.took is not None:
        read, took = write_value(p.read), format_duration(p.took)
        if p.excluded:
            paused = format_duration(p.excluded)
            text = translate(
                "Read back {value}, {took} after its release, {paused} paused excluded.",
                value=read,
                took=took,
                paused=paused,
            )
        else:
            text = translate("Read back {value}, {took} after its release.", value=read, took=took)
        title = translate("Visible on {channel}", channel=p.channel)
        found.append(TimelineEntry(p.verified_at, title, "ok", "eye", text=text, place=5))
    if p.late:
        text = translate(
            "{channel} did not show the value by its delivery target, which counts from the release.", channel=p.channel
        )
        found.append(TimelineEntry(p.slo_due_at, translate("Late"), "bad", "clock", text=text, place=4))
    return found
