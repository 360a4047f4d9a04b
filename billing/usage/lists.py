"""The list of reported usage events."""

from typing import Final

from billing.usage.queries import list_reported_usage
from billing.usage.schemas import ReportedUsageView
from foundation.marks import N_
from foundation.web.csv_export import CsvColumn
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey

REPORTED_USAGE: Final = ListDefinition[ReportedUsageView](
    name="reported-usage",
    title=N_("Reported usage"),
    item=ReportedUsageView,
    load=list_reported_usage,
    filters=[
        TextFilter(name="meter", label=N_("Meter"), about="Code of the meter, such as gb_hours."),
        TextFilter(name="source", label=N_("Source"), about="The system that counted the usage."),
        TextFilter(name="event_id", label=N_("Event"), about="The source's own ID of the event."),
        ChoiceFilter(
            name="show",
            label=N_("Show"),
            options=[("", N_("All")), ("reversals", N_("Events that take others back"))],
        ),
    ],
    sorts=[
        Sort(
            name="-received",
            label=N_("Latest first"),
            reverse_label=N_("Earliest first"),
            keys=[SortKey("u.id", "uuid", descending=True)],
        )
    ],
    columns=[
        "id", "client_id", "meter", "source", "event_id", CsvColumn("quantity", lambda one: one.quantity),
        "occurred_at", "received_at", CsvColumn("dimensions", lambda one: one.dimensions or None), "reverses",
        "reported_by",
    ],
)  # fmt: skip
