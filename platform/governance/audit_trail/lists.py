"""The list of audit entries."""

from collections.abc import Mapping, Sequence
from functools import partial

from foundation.audit.actions import AuditKind
from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, DayFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.audit_trail.queries import list_entries
from governance.audit_trail.schemas import AuditEntryView


def build_audit_list(nouns: Mapping[AuditKind, Sequence[str]]) -> ListDefinition[AuditEntryView]:
    """The list. `nouns` are those of each kind's actions."""
    return ListDefinition[AuditEntryView](
        name="audit",
        title=N_("Audit entries"),
        item=AuditEntryView,
        load=partial(list_entries, nouns=nouns),
        filters=[
            TextFilter(
                name="about",
                label=N_("Record key"),
                about="Record key: entries about the record, its changes and its approvals.",
            ),
            TextFilter(name="actor", label=N_("By"), about="Part of the name of the actor."),
            TextFilter(
                name="action", label=N_("Action"), about='An action such as "change.released", or its first part.'
            ),
            ChoiceFilter(
                name="kind",
                label=N_("Kind"),
                options=[("", N_("All entries")), *((kind.value, kind.label) for kind in AuditKind)],
            ),
            TextFilter(
                name="subject", label=N_("Subject"), about='An exact subject such as "change:<id>".', hidden=True
            ),
            DayFilter(name="since", label=N_("From")),
            DayFilter(name="until", label=N_("To")),
        ],
        sorts=[
            Sort(
                name="-seq",
                label=N_("Newest first"),
                reverse_label=N_("Oldest first"),
                keys=[SortKey("seq", "bigint", descending=True)],
            )
        ],
        columns=["seq", "at", "actor", "action", "subject", "data", "correlation"],
    )
