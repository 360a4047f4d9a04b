"""The list of exceptions."""

from typing import Final

from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.exception_queue.queries import list_exceptions
from governance.exception_types import ExceptionType
from governance.exceptions.schemas import ExceptionView
from governance.exceptions.states import ExceptionState

_OPENED: Final = SortKey("e.opened_at", "timestamptz")
_ID: Final = SortKey("e.id", "uuid")
_STATES: Final = [
    (ExceptionState.OPEN, "Open"),
    (ExceptionState.RESOLVED, "Resolved"),
    (ExceptionState.DISCARDED, "Discarded"),
]
_DOMAINS: Final = [("", "Any"), ("price", "Prices"), ("stock", "Stock"), ("none", "Messages")]

EXCEPTIONS: Final = ListDefinition[ExceptionView](
    name="exceptions",
    title="Exceptions",
    item=ExceptionView,
    load=list_exceptions,
    filters=[
        ChoiceFilter(name="status", label="State", options=_STATES, default=ExceptionState.OPEN),
        ChoiceFilter(
            name="code", label="Kind", options=[("", "Any"), *((one.value, one.label) for one in sorted(ExceptionType))]
        ),
        ChoiceFilter(
            name="domain",
            label="Domain",
            options=_DOMAINS,
            about="First part of the element's name; `none` for exceptions without an element.",
        ),
        TextFilter(name="owner", label="Owner", about="Owner in the element's contract."),
    ],
    sorts=[
        Sort(
            name="-severity",
            label="Worst first",
            reverse_label="Least severe first",
            keys=[SortKey("e.severity", "bigint", descending=True), _OPENED, _ID],
        ),
        Sort(
            name="-seen",
            label="Last seen first",
            reverse_label="Longest unseen first",
            keys=[SortKey("e.seen_at", "timestamptz", descending=True), SortKey("e.id", "uuid", descending=True)],
        ),
        Sort(
            name="due",
            label="Due first",
            reverse_label="Due last",
            keys=[SortKey("e.correction_due_at", "timestamptz"), _ID],
        ),
    ],
    columns=[
        "id",
        "code",
        "title",
        "detail",
        "severity",
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
