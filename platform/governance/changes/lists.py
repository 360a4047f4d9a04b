"""The list of changes."""

from typing import Final

from canonical.elements import PRICE, STOCK
from foundation.web.lists import ChoiceFilter, ListDefinition, Options, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.changes.queries import ANY, list_changes
from governance.changes.schemas import ChangeView
from governance.labels import write_element
from governance.records.value_columns import value_columns

ELEMENTS: Final[Options] = [("", "Any"), *((element, write_element(element)) for element in (PRICE, STOCK))]
"""Elements that the page's form offers."""
_STATES: Final[Options] = [
    ("", "Any"),
    ("released", "Released"),
    ("awaiting_approval", "Pending approval"),
    ("refused", "Refused"),
    ("declined", "Declined"),
    ("superseded", "Superseded"),
    ("expired", "Expired"),
]

CHANGES: Final = ListDefinition[ChangeView](
    name="changes",
    title="Changes",
    item=ChangeView,
    load=list_changes,
    filters=[
        TextFilter(
            name="search",
            label="Product name or SKU",
            about="A part of a record key or product name, in any case.",
        ),
        ChoiceFilter(name="status", label="State", options=_STATES),
        TextFilter(name="element", label="Element", about="An element, such as `price.list`."),
        TextFilter(name="key", label="Record", about="An exact record key.", hidden=True),
        TextFilter(name="record", label="Record", about="A record key, or a prefix with a trailing `*`.", hidden=True),
        TextFilter(
            name="dimension",
            label="Dimension",
            about="A canonical dimension; empty for undivided values, `*` for all.",
            default=ANY,
            hidden=True,
        ),
        TextFilter(name="record_type", label="Record type", about="A record type, such as `product`.", hidden=True),
    ],
    sorts=[
        Sort(
            name="-proposed",
            label="Newest first",
            reverse_label="Oldest first",
            keys=[SortKey("c.id", "uuid", descending=True)],
        )
    ],
    columns=[
        "id",
        "record_key",
        "element",
        "dimension",
        "record_type",
        *value_columns("old", lambda change: change.old),
        *value_columns("new", lambda change: change.new),
        "origin",
        "author",
        "state",
        "outcome",
        "rule_id",
        "reason",
        "policy_version",
        "committed_at",
        "proposed_at",
        "decided_at",
        "approval_id",
        "correlation",
    ],
)
