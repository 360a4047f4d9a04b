"""The MSP's fleet."""

from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from governance.answers.pages import show
from governance.fleet.drawing import draw_hours
from governance.fleet.queries import MANY, read_fleet, read_hours
from governance.permissions import GovernancePermission
from tenants.routes import OpenAccess

_FLEET: Final = {"permission": GovernancePermission.READ_FLEET, "fleet": True}


@get("/fleet", name="fleet", opt=_FLEET, include_in_schema=False)
async def fleet(access: OpenAccess) -> Response[Any]:
    context = {
        "clients": await read_fleet(access.session, now=access.now),
        "many": MANY,
        "chart": draw_hours(await read_hours(access.session, now=access.now), access.now),
    }
    return show(access, "fleet.html", "Clients", context)


@get("/fleet/rows", opt=_FLEET, include_in_schema=False)
async def fleet_rows(access: OpenAccess) -> Response[Any]:
    clients = await read_fleet(access.session, now=access.now)
    return show(access, "fleet_rows.html", "Clients", {"clients": clients, "many": MANY})


@get("/fleet/chart", opt=_FLEET, include_in_schema=False)
async def fleet_chart(access: OpenAccess) -> Response[Any]:
    chart = draw_hours(await read_hours(access.session, now=access.now), access.now)
    return show(access, "fleet_chart.html", "Clients", {"chart": chart})


FLEET_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (fleet, fleet_rows, fleet_chart)
