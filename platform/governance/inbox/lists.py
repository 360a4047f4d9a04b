"""List of pending approvals and open exceptions of all clients."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.assignments.filter import ASSIGNED
from governance.impact import impact_sort
from governance.inbox.queries import list_inbox
from governance.inbox.schemas import KIND_LABELS, InboxItem
from governance.records.value_columns import value_columns

_ID: Final = SortKey("i.id", "uuid")

INBOX: Final = ListDefinition[InboxItem](
    name="inbox",
    title=N_("Inbox"),
    item=InboxItem,
    load=list_inbox,
    filters=[
        ChoiceFilter(name="kind", label=N_("Kind"), options=[("", N_("All")), *KIND_LABELS.items()], hidden=True),
        ChoiceFilter(
            name="escalated",
            label=N_("Escalation"),
            options=[("", N_("Any")), ("yes", N_("Escalated"))],
            about="`yes`: items that reached a step of their escalation ladder.",
        ),
        ASSIGNED,
        TextFilter(name="client", label=N_("Client"), about="Short name of a client, or its whole name."),
    ],
    sorts=[
        Sort(
            name="due",
            label=N_("Due first"),
            reverse_label=N_("Due last"),
            keys=[SortKey("i.due_at", "timestamptz"), _ID],
        ),
        Sort(
            name="-severity",
            label=N_("Worst first"),
            reverse_label=N_("Least severe first"),
            keys=[SortKey("i.severity", "bigint", descending=True), SortKey("i.due_at", "timestamptz"), _ID],
        ),
        impact_sort("i."),
        Sort(
            name="-opened",
            label=N_("Newest first"),
            reverse_label=N_("Oldest first"),
            keys=[SortKey("i.opened_at", "timestamptz", descending=True), SortKey("i.id", "uuid", descending=True)],
        ),
    ],
    columns=[
        "id",
        "kind",
        "client",
        "client_name",
        "title",
        "detail",
        "severity",
        *value_columns("impact", lambda item: item.impact)[:2],
        "record_key",
        "element",
        "dimension",
        "record_type",
        "record_title",
        *value_columns("old", lambda item: item.old),
        *value_columns("new", lambda item: item.new),
        "opened_at",
        "due_at",
        "escalations",
    ],
)
