"""The list of source events."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, DayFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.source_events.queries import list_source_events
from governance.source_events.schemas import SourceEventRow

SOURCE_EVENTS: Final = ListDefinition[SourceEventRow](
    name="source-events",
    title=N_("Source messages"),
    item=SourceEventRow,
    load=list_source_events,
    filters=[
        TextFilter(name="connection", label=N_("Connection"), about="Id of a connection."),
        ChoiceFilter(
            name="via",
            label=N_("Received by"),
            options=[("", N_("Any")), ("webhook", N_("Webhook")), ("poll", N_("Poll")), ("baseline", N_("Baseline"))],
        ),
        DayFilter(name="since", label=N_("Received since")),
    ],
    sorts=[
        Sort(
            name="-received",
            label=N_("Newest first"),
            reverse_label=N_("Oldest first"),
            keys=[SortKey("e.id", "uuid", descending=True)],
        )
    ],
    columns=["id", "connection_id", "connection", "content_type", "via", "received_at", "correlation", "size"],
)
