"""The list of all clients' control reviews."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.control_reviews.queries import list_reviews
from governance.control_reviews.schemas import ReviewRow

REVIEW_LIST: Final = ListDefinition[ReviewRow](
    name="control-reviews",
    title=N_("Control reviews"),
    item=ReviewRow,
    load=list_reviews,
    filters=[
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=[
                ("", N_("To be signed")),
                ("overdue", N_("Overdue")),
                ("signed", N_("Signed")),
                ("any", N_("Any")),
            ],
        ),
        TextFilter(name="client", label=N_("Client"), about="The exact slug of a client."),
    ],
    sorts=[
        Sort(
            name="due_on",
            label=N_("Longest overdue first"),
            reverse_label=N_("Due last first"),
            keys=[SortKey("CAST(r.due_on AS varchar)"), SortKey("r.id", "uuid")],
        ),
        Sort(
            name="client",
            label=N_("By client"),
            reverse_label=N_("By client, descending"),
            keys=[SortKey("c.name"), SortKey("r.id", "uuid")],
        ),
    ],
    columns=[
        "id",
        "client",
        "client_name",
        "scheduled_on",
        "due_on",
        "state",
        "is_overdue",
        "unmet",
        "collected_at",
        "signed_at",
        "signed_by",
    ],
)
