"""The API of the fleet."""

from collections.abc import Sequence
from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler

from governance.fleet.queries import ClientHealth, read_fleet
from governance.permissions import GovernancePermission
from tenants.routes import OpenAccess

_FLEET: Final = {"permission": GovernancePermission.READ_FLEET, "fleet": True}


@get("/api/v1/fleet", opt=_FLEET, tags=["fleet"])
async def api_fleet(access: OpenAccess) -> Sequence[ClientHealth]:
    """List the health of all clients, worst first."""
    return await read_fleet(access.session, now=access.now)


FLEET_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (api_fleet,)
