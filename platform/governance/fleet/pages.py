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
from governance.fleet.charts import draw_hours
from governance.fleet.lists import FLEET, SHOWN
from governance.fleet.queries import MANY, list_client_names, list_fleet, read_fleet, read_hours
from governance.permissions import GovernancePermission
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page

_SWITCHED: Final = 100
_FLEET: Final = {"permission": GovernancePermission.READ_FLEET, "fleet": True}


@get("/fleet", name="fleet", opt=_FLEET, dependencies=FLEET.page_parameters, include_in_schema=False)
async def show_fleet_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    context = await _rows(access, listed) | {
        "chart": draw_hours(await read_hours(access.session, now=access.now), access.now),
    }
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
    chart = draw_hours(await read_hours(access.session, now=access.now), access.now)
    return render_page(access, "fleet_chart.html", translate("Clients"), {"chart": chart})


async def _rows(access: Access, listed: ListInput) -> dict[str, object]:
    """Rows of the fleet. Tiles count all clients; the list shows all those of the filter, on one page."""
    clients = await read_fleet(access.session, now=access.now)
    query = msgspec.structs.replace(listed.query, counted=False)
    found = ResultPage(clients)
    if listed.refusal is not None:
        found = ResultPage([])
    elif query != FLEET.query():
        found = await list_fleet(access.session, query.with_limit(len(clients)), access.now)
    found = msgspec.structs.replace(found, count=RowCount(len(found.items)))
    return {
        "all_clients": clients,
        "listed": list_view(FLEET, listed, found, "/fleet"),
        "many": MANY,
        "only_label": SHOWN.get(listed.query["show"], "") if listed.query["show"] else "",
    }


FLEET_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_fleet_page,
    export_page(FLEET, "/fleet", opt=_FLEET),
    show_fleet_fragment,
    show_fleet_chart_fragment,
    show_switcher_fragment,
)
