"""API of dashboards. Without a client in the path, the dashboard is that of all clients of an MSP."""

from typing import Annotated, Any, Final, cast

from litestar import get
from litestar.params import JSONBody

from foundation.rooms import Rooms
from foundation.web.api import delete, put
from foundation.web.parameters import one_of
from governance.dashboards.change import change_layout
from governance.dashboards.pages import OWN
from governance.dashboards.read import load_dashboard, load_layout
from governance.dashboards.schemas import WHOSE, DashboardView, LayoutInput, LayoutView, Whose
from tenants.web.dependencies import OpenAccess

_ROOTS: Final = ["/api/v1/dashboard", "/api/v1/clients/{client:str}/dashboard"]
_LAYOUTS: Final = [f"{root}/layout" for root in _ROOTS]
_TAGS: Final = ["dashboards"]
ChosenWhose = Annotated[str, one_of(WHOSE)]


def build_dashboard_routes(rooms: Rooms) -> tuple[Any, ...]:
    @get(_ROOTS, opt=OWN, tags=_TAGS)
    async def show_dashboard(access: OpenAccess) -> DashboardView:
        """Show the tiles of the caller's dashboard with their figures, without those that the caller may not see."""
        return await load_dashboard(rooms, access)

    @get(_LAYOUTS, opt=OWN, tags=_TAGS)
    async def show_dashboard_layout(access: OpenAccess, whose: ChosenWhose = "me") -> LayoutView:
        """Show the layout of a dashboard, and the tiles that the caller may add."""
        return await load_layout(rooms, access, cast("Whose", whose))

    @put(_LAYOUTS, opt=OWN, tags=_TAGS, status_code=204)
    async def replace_dashboard_layout(access: OpenAccess, data: JSONBody[LayoutInput]) -> None:
        """Replace a layout: the caller's own, a member, or a default, by those who may invite members."""
        await change_layout(rooms, access, data.whose, data.tiles)

    @delete(_LAYOUTS, opt=OWN, tags=_TAGS, status_code=204)
    async def reset_dashboard_layout(access: OpenAccess, whose: ChosenWhose = "me") -> None:
        """Return to the default: of the account, else of the MSP, else of the caller's role."""
        await change_layout(rooms, access, cast("Whose", whose), None)

    return (show_dashboard, show_dashboard_layout, replace_dashboard_layout, reset_dashboard_layout)
