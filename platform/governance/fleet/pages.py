"""Pages of the MSP's fleet."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from foundation.web.fragments import FRAGMENT
from governance.fleet.charts import draw_hours
from governance.fleet.queries import MANY, ClientHealth, list_client_names, read_fleet, read_hours
from governance.permissions import GovernancePermission
from governance.web.render import render_page
from tenants.access import Access
from tenants.routes import OpenAccess

Only = Annotated[str, QueryParameter(name="show")]
_SWITCHED: Final = 100
ONLY: Final[Mapping[str, tuple[str, Callable[[ClientHealth], bool]]]] = {
    "": ("", lambda _: True),
    "healthy": ("Healthy clients", lambda client: client.standing == "healthy"),
    "attention": ("Clients that need attention", lambda client: client.standing == "needs attention"),
    "risk": ("Clients at risk", lambda client: client.standing == "at risk"),
    "exceptions": ("Clients with open exceptions", lambda client: client.exceptions > 0),
    "late": ("Clients with late values", lambda client: client.late > 0),
    "approvals": ("Clients with pending approvals", lambda client: client.awaiting > 0),
}
"""Filters of the list; each tile links to one and counts the same clients."""
_FLEET: Final = {"permission": GovernancePermission.READ_FLEET, "fleet": True}


@get("/fleet", name="fleet", opt=_FLEET, include_in_schema=False)
async def fleet(access: OpenAccess, show_only: Only = "") -> Response[Any]:
    context = await _rows(access, show_only) | {
        "chart": draw_hours(await read_hours(access.session, now=access.now), access.now),
    }
    return render_page(access, "fleet.html", "Clients", context)


@get("/fleet/rows", opt=_FLEET | FRAGMENT, include_in_schema=False)
async def fleet_rows(access: OpenAccess, show_only: Only = "") -> Response[Any]:
    return render_page(access, "fleet_rows.html", "Clients", await _rows(access, show_only))


@get("/fleet/switcher", opt=_FLEET | FRAGMENT, include_in_schema=False)
async def fleet_switcher(access: OpenAccess) -> Response[Any]:
    """Menu entries of the client switcher."""
    clients = await list_client_names(access.session, limit=_SWITCHED + 1)
    context = {"clients": clients[:_SWITCHED], "more": len(clients) > _SWITCHED}
    return render_page(access, "fleet_switcher.html", "Clients", context)


@get("/fleet/chart", opt=_FLEET | FRAGMENT, include_in_schema=False)
async def fleet_chart(access: OpenAccess) -> Response[Any]:
    chart = draw_hours(await read_hours(access.session, now=access.now), access.now)
    return render_page(access, "fleet_chart.html", "Clients", {"chart": chart})


async def _rows(access: Access, only: str) -> dict[str, object]:
    """Rows of the fleet. Tiles count all clients; the list shows those of the filter `only`."""
    clients = await read_fleet(access.session, now=access.now)
    chosen = only if only in ONLY else ""
    label, fits = ONLY[chosen]
    return {
        "all_clients": clients,
        "clients": [client for client in clients if fits(client)],
        "many": MANY,
        "only": chosen,
        "only_label": label,
    }


FLEET_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (fleet, fleet_rows, fleet_chart, fleet_switcher)
