"""Timeline entries of the steps that an approval or an exception reached. Pure."""

from collections.abc import Sequence

from branding.formats import format_duration
from foundation.i18n.localizer import translate
from governance.changes.timeline import TimelineEntry
from governance.escalations.schemas import EscalationView


def build_escalations(found: EscalationView, notified: Sequence[str]) -> list[TimelineEntry]:
    """Build the entries. `notified`: the names of the members notified at each reached step."""
    return [
        TimelineEntry(
            step.reached_at, translate("Escalated to {role}", role=step.role_label), "warn", "bell",
            text=translate("After {time}. Notified: {names}", time=format_duration(step.after), names=names)
            if names else translate("After {time}. Nobody could be notified.", time=format_duration(step.after)),
            place=2,
        )
        for step, names in zip(found.reached, notified, strict=True)
    ]  # fmt: skip
