"""Timeline of an exception. Pure."""

from collections.abc import Iterable
from datetime import datetime

from foundation.i18n.localizer import translate
from governance.changes.timeline import TimelineEntry
from governance.exceptions.lifecycle import CORRECTED
from governance.exceptions.schemas import ExceptionView
from governance.exceptions.states import ExceptionState


def build_timeline(found: ExceptionView, steps: Iterable[TimelineEntry], *, now: datetime) -> list[TimelineEntry]:
    """The timeline, newest first, with the escalations `steps`."""
    entries = [TimelineEntry(found.opened_at, translate("Opened"), "warn", "alert", text=found.detail), *steps]
    if found.occurrences > 1:
        text = translate("{number} times in all", number=found.occurrences)
        entries.append(TimelineEntry(found.seen_at, translate("Last seen"), "warn", "eye", text=text, place=1))
    if found.correction_due_at < (found.closed_at or now):
        text = translate("It was not closed by its target for corrections.")
        entries.append(TimelineEntry(found.correction_due_at, translate("Overdue"), "bad", "clock", text=text, place=3))
    if found.closed_at is not None:
        entries.append(_closed(found, found.closed_at))
    return sorted(entries, key=lambda one: (one.at, one.place), reverse=True)


def _closed(found: ExceptionView, at: datetime) -> TimelineEntry:
    if found.closed_by == CORRECTED:
        text = translate("Its cause is gone, so it was closed automatically.")
        return TimelineEntry(at, translate("Resolved"), "ok", "check-circle", text=text, place=4)
    resolved = found.state == ExceptionState.RESOLVED
    title, kind = (translate("Resolved"), "ok") if resolved else (translate("Discarded"), "neutral")
    return TimelineEntry(at, title, kind, "check-circle" if resolved else "trash", found.closed_by or "", place=4)
