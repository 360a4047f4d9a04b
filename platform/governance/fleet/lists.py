"""The list of the MSP's clients with their health."""

from typing import Final

from foundation.web.lists import ChoiceFilter, ListDefinition
from foundation.web.pagination import Sort, SortKey
from governance.fleet.queries import WORST_FIRST, ClientHealth, list_fleet

SHOWN: Final = {
    "": "All clients",
    "healthy": "Healthy clients",
    "attention": "Clients that need attention",
    "risk": "Clients at risk",
    "exceptions": "Clients with open exceptions",
    "late": "Clients with late values",
    "approvals": "Clients with pending approvals",
}
"""Filters of the list; each tile links to one and counts the same clients."""

FLEET: Final = ListDefinition[ClientHealth](
    name="fleet",
    title="Clients",
    item=ClientHealth,
    load=list_fleet,
    filters=[ChoiceFilter(name="show", label="Show", options=list(SHOWN.items()), hidden=True)],
    sorts=[
        WORST_FIRST,
        Sort(
            name="name",
            label="By name",
            reverse_label="By name, backwards",
            keys=[SortKey("c.name"), SortKey("c.tenant_id", "uuid")],
        ),
    ],
    columns=list(ClientHealth.__struct_fields__),
)
