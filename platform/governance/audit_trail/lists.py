"""The list of audit entries."""

from typing import Final

from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.audit_trail.queries import KINDS, list_entries
from governance.audit_trail.schemas import AuditEntryView

AUDIT_ENTRIES: Final = ListDefinition[AuditEntryView](
    name="audit",
    title="Audit entries",
    item=AuditEntryView,
    load=list_entries,
    filters=[
        ChoiceFilter(
            name="kind", label="Kind", options=[("", "All entries"), *((name, name.capitalize()) for name in KINDS)]
        ),
        TextFilter(name="subject", label="Subject", about='An exact subject such as "change:<id>".', hidden=True),
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
