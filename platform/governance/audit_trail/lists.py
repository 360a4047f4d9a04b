"""The list of audit entries."""

from typing import Final

from foundation.web.lists import ChoiceFilter, DayFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.audit_trail.filters import KINDS
from governance.audit_trail.queries import list_entries
from governance.audit_trail.schemas import AuditEntryView

AUDIT_ENTRIES: Final = ListDefinition[AuditEntryView](
    name="audit",
    title="Audit entries",
    item=AuditEntryView,
    load=list_entries,
    filters=[
        TextFilter(
            name="about",
            label="Record key",
            about="Record key: entries about the record, its changes and its approvals.",
        ),
        TextFilter(name="actor", label="By", about="Part of the name of the actor."),
        TextFilter(name="action", label="Action", about='An action such as "change.released", or its first part.'),
        ChoiceFilter(
            name="kind", label="Kind", options=[("", "All entries"), *((name, name.capitalize()) for name in KINDS)]
        ),
        TextFilter(name="subject", label="Subject", about='An exact subject such as "change:<id>".', hidden=True),
        DayFilter(name="since", label="From"),
        DayFilter(name="until", label="To"),
    ],
    sorts=[
        Sort(
            name="-seq",
            label="Newest first",
            reverse_label="Oldest first",
            keys=[SortKey("seq", "bigint", descending=True)],
        )
    ],
    columns=["seq", "at", "actor", "action", "subject", "data", "correlation"],
)
