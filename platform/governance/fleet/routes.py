"""The API of the fleet."""

from typing import Final

from litestar.handlers import HTTPRouteHandler

from governance.fleet.lists import FLEET
from governance.permissions import GovernancePermission
from tenants.web.lists import list_route

_FLEET: Final = {"permission": GovernancePermission.READ_FLEET, "fleet": True}


FLEET_LIST: Final = list_route(
    FLEET, "/api/v1/fleet", opt=_FLEET, tags=["fleet"], about="List the health of all clients, worst first."
)
FLEET_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (FLEET_LIST,)
