"""The list of the MSP's clients with their health."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.fleet.queries import WORST_FIRST, ClientHealth, list_fleet

SHOWN: Final = {
    "": N_("All clients"),
    "healthy": N_("Healthy clients"),
    "onboarding": N_("Clients in onboarding"),
    "attention": N_("Clients that need attention"),
    "risk": N_("Clients at risk"),
    "exceptions": N_("Clients with open exceptions"),
    "late": N_("Clients with late values"),
    "approvals": N_("Clients with pending approvals"),
}
"""Filters of the list; each tile links to one and counts the same clients."""

FLEET: Final = ListDefinition[ClientHealth](
    name="fleet",
    title=N_("Clients"),
    item=ClientHealth,
    load=list_fleet,
    on_page=25,
    filters=[
        ChoiceFilter(name="show", label=N_("Show"), options=list(SHOWN.items()), hidden=True),
        TextFilter(name="search", label=N_("Client"), about="Part of a client's name, in upper or lower case."),
    ],
    sorts=[
        WORST_FIRST,
        Sort(
            name="name",
            label=N_("By name"),
            reverse_label=N_("By name, descending"),
            keys=[SortKey("f.name"), SortKey("f.tenant_id", "uuid")],
        ),
    ],
    columns=list(ClientHealth.__struct_fields__),
)
