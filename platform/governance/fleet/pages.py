"""Pages of the MSP's fleet."""

from typing import Any, Final

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from foundation.i18n.localizer import translate
from foundation.web.fragments import FRAGMENT
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from foundation.web.pagination import ResultPage, RowCount
from governance.fleet.charts import chart_times, draw_hours
from governance.fleet.hours import read_hours
from governance.fleet.lists import FLEET, SHOWN
from governance.fleet.queries import MANY, list_client_names, read_fleet_page
from governance.permissions import GovernancePermission
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page

_SWITCHED: Final = 100
_FLEET: Final = {"permission": GovernancePermission.READ_FLEET, "fleet": True}


@get("/fleet", name="fleet", opt=_FLEET, dependencies=FLEET.page_parameters, include_in_schema=False)
async def show_fleet_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    context = await _rows(access, listed) | await _chart(access)
    return render_page(access, "fleet.html", translate("Clients"), context, refusal=listed.refusal)


@get("/fleet/rows", opt=_FLEET | FRAGMENT, dependencies=FLEET.page_parameters, include_in_schema=False)
async def show_fleet_fragment(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return render_page(
        access, "fleet_rows.html", translate("Clients"), await _rows(access, listed), refusal=listed.refusal
    )


@get("/fleet/switcher", opt=_FLEET | FRAGMENT, include_in_schema=False)
async def show_switcher_fragment(access: OpenAccess) -> Response[Any]:
    """Menu entries of the client switcher."""
    clients = await list_client_names(access.session, limit=_SWITCHED + 1)
    context = {"clients": clients[:_SWITCHED], "more": len(clients) > _SWITCHED}
    return render_page(access, "fleet_switcher.html", translate("Clients"), context)


@get("/fleet/chart", opt=_FLEET | FRAGMENT, include_in_schema=False)
async def show_fleet_chart_fragment(access: OpenAccess) -> Response[Any]:
    return render_page(access, "fleet_chart.html", translate("Clients"), await _chart(access))


async def _rows(access: Access, listed: ListInput) -> dict[str, object]:
    """A page of the fleet. Tiles count all clients."""
    show = listed.query["show"]
    is_counted = not listed.query["search"]  # the tiles count the clients of each other filter
    query = msgspec.structs.replace(listed.query, counted=not is_counted)
    figures, found = await read_fleet_page(access.session, query, access.now)
    if listed.refusal is not None:
        found = ResultPage([])
    elif is_counted:
        found = msgspec.structs.replace(found, count=RowCount(figures.clients[show]))
    return {
        "figures": figures,
        "listed": list_view(FLEET, listed, found, "/fleet"),
        "many": MANY,
        "only_label": SHOWN.get(show, "") if show else "",
    }


async def _chart(access: Access) -> dict[str, object]:
    counted_until, next_at = chart_times(access.now)
    chart = draw_hours(await read_hours(access.session, now=access.now), access.now)
    return {"chart": chart, "counted_until": counted_until, "next_at": next_at}


FLEET_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_fleet_page,
    export_page(FLEET, "/fleet", opt=_FLEET),
    show_fleet_fragment,
    show_fleet_chart_fragment,
    show_switcher_fragment,
)
