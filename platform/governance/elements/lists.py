"""The list of custom elements."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition
from foundation.web.pagination import Sort, SortKey
from governance.elements.queries import list_elements
from governance.elements.schemas import ElementView

ELEMENTS: Final = ListDefinition[ElementView](
    name="elements",
    title=N_("Custom elements"),
    item=ElementView,
    load=list_elements,
    usual=200,
    sorts=[Sort(name="code", label=N_("By code"), reverse_label=N_("By code, descending"), keys=[SortKey("e.code")])],
    filters=[
        ChoiceFilter(
            name="show",
            label=N_("Show"),
            options=[("", N_("All")), ("current", N_("In use")), ("retired", N_("Retired"))],
        )
    ],
    columns=[
        "code",
        "label",
        "domain",
        "record_type",
        "value_type",
        "distributed",
        "created_at",
        "created_by",
        "declared_by",
        "retired_at",
        "retired_by",
    ],
)
