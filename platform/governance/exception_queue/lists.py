"""The list of exceptions."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from foundation.web.time_filter import TimeFilter
from governance.assignments.filter import ASSIGNED
from governance.exception_queue.queries import list_exceptions
from governance.exception_types import ExceptionType
from governance.exceptions.schemas import ExceptionView
from governance.exceptions.states import ExceptionState
from governance.impact import impact_sort
from governance.labels import LEVEL_LABELS, LEVELS
from governance.records.value_columns import value_columns

_OPENED: Final = SortKey("e.opened_at", "timestamptz")
_ID: Final = SortKey("e.id", "uuid")
_STATES: Final = [
    (ExceptionState.OPEN, N_("Open")),
    (ExceptionState.RESOLVED, N_("Resolved")),
    (ExceptionState.DISCARDED, N_("Discarded")),
]
_DOMAINS: Final = [("", N_("Any")), ("price", N_("Prices")), ("stock", N_("Stock")), ("none", N_("Messages"))]

EXCEPTIONS: Final = ListDefinition[ExceptionView](
    name="exceptions",
    title=N_("Exceptions"),
    item=ExceptionView,
    load=list_exceptions,
    filters=[
        ChoiceFilter(name="status", label=N_("State"), options=_STATES, default=ExceptionState.OPEN),
        ChoiceFilter(
            name="code",
            label=N_("Kind"),
            options=[("", N_("Any")), *((one.value, one.label) for one in sorted(ExceptionType))],
        ),
        ChoiceFilter(
            name="domain",
            label=N_("Domain"),
            options=_DOMAINS,
            about="First part of the element's name; `none` for exceptions without an element.",
        ),
        ChoiceFilter(
            name="level",
            label=N_("Severity"),
            options=[("", N_("Any")), *((name, LEVEL_LABELS[name]) for name, _ in LEVELS)],
        ),
        TimeFilter(name="since", label=N_("Opened from (UTC)"), hidden=True),
        TimeFilter(name="until", label=N_("Opened before (UTC)"), hidden=True),
        TextFilter(name="owner", label=N_("Owner"), about="Owner in the element's contract."),
        ASSIGNED,
    ],
    sorts=[
        Sort(
            name="-severity",
            label=N_("Worst first"),
            reverse_label=N_("Least severe first"),
            keys=[SortKey("e.severity", "bigint", descending=True), _OPENED, _ID],
        ),
        impact_sort("e."),
        Sort(
            name="-seen",
            label=N_("Last seen first"),
            reverse_label=N_("Longest unseen first"),
            keys=[SortKey("e.seen_at", "timestamptz", descending=True), SortKey("e.id", "uuid", descending=True)],
        ),
        Sort(
            name="due",
            label=N_("Due first"),
            reverse_label=N_("Due last"),
            keys=[SortKey("e.correction_due_at", "timestamptz"), _ID],
        ),
    ],
    columns=[
        "id",
        "code",
        "title",
        "detail",
        "severity",
        *value_columns("impact", lambda item: item.impact)[:2],
        "state",
        "record_key",
        "element",
        "dimension",
        "record_type",
        "channel",
        "change_id",
        "occurrences",
        "opened_at",
        "seen_at",
        "correction_due_at",
        "closed_at",
        "closed_by",
        "correlation",
    ],
)
