"""The API of the dashboard, for clients' own screens."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler

from governance.overview.queries import Overview, read_overview
from governance.permissions import GovernancePermission
from tenants.web.dependencies import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_DASHBOARD}


@get("/api/v1/clients/{client:str}/overview", opt=_READ, tags=["overview"])
async def show_overview(access: OpenAccess) -> Overview:
    """Return the figures of the last 24 hours, in total and for each element on each channel."""
    return await read_overview(access.session, now=access.now)


OVERVIEW_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (show_overview,)
