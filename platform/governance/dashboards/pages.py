"""Pages of a dashboard and of its layout."""

from typing import Annotated, Any, Final, cast

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from foundation.dashboard_tiles import TileSize
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.rooms import Rooms
from foundation.web.actions import run_action
from foundation.web.fragments import FRAGMENT
from foundation.web.parameters import one_of
from foundation.web.render import redirect_to
from governance.dashboards.arrange import arrange
from governance.dashboards.change import change_layout, may_set
from governance.dashboards.draw import draw_tile, write_value
from governance.dashboards.read import load_dashboard, load_layout
from governance.dashboards.schemas import MOST_TILES, WHOSE, Whose
from governance.web.render import render_page
from tenants.access import Access
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
OWN: Final = {"permission": TenantPermission.READ_NOTIFICATIONS}
"""Permission for one's own dashboard: every packaged role of members has it. Tiles have permissions of their own."""
_ROOTS: Final = ["/dashboard", "/clients/{client:str}/dashboard"]
_WHOSE: Final = {
    "me": N_("My dashboard"),
    "account": N_("Default of this account"),
    "clients": N_("Default for all clients"),
}
ChosenWhose = Annotated[str, one_of(WHOSE)]


def build_dashboard_pages(rooms: Rooms) -> tuple[HTTPRouteHandler, ...]:
    @get(_ROOTS, name="dashboard", opt=OWN, include_in_schema=False)
    async def show_dashboard_page(access: OpenAccess) -> Response[Any]:
        return render_page(access, "dashboard.html", translate("Dashboard"), await _tiles(rooms, access))

    @get([f"{root}/tiles" for root in _ROOTS], opt=OWN | FRAGMENT, include_in_schema=False)
    async def show_tiles_fragment(access: OpenAccess) -> Response[Any]:
        return render_page(access, "dashboard_tiles.html", translate("Dashboard"), await _tiles(rooms, access))

    @get([f"{root}/edit" for root in _ROOTS], opt=OWN, include_in_schema=False)
    async def edit_dashboard_page(access: OpenAccess, whose: ChosenWhose = "me") -> Response[Any]:
        return await _edit(rooms, access, cast("Whose", whose))

    @post([f"{root}/edit" for root in _ROOTS], opt=OWN, include_in_schema=False)
    async def change_dashboard_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        """One edit of a layout, which is saved at once."""
        form = await request.form()
        field = {name: str(form.get(name, "")) for name in ("whose", "action", "tile", "size")}
        whose = cast("Whose", field["whose"] if field["whose"] in WHOSE else "me")

        async def act() -> None:
            if field["action"] == "reset":
                await change_layout(rooms, access, whose, None)
                return
            before = (await load_layout(rooms, access, whose)).tiles
            tiles = arrange(before, field["action"], field["tile"], field["size"])
            await change_layout(rooms, access, whose, tiles)

        refusal = await run_action(access.session, act())
        if refusal is not None:
            return await _edit(rooms, access, whose, refusal)
        return redirect_to(access, f"/dashboard/edit?whose={whose}", done=translate("Saved"))

    return (show_dashboard_page, show_tiles_fragment, edit_dashboard_page, change_dashboard_page)


async def _tiles(rooms: Rooms, access: Access) -> dict[str, object]:
    found = await load_dashboard(rooms, access)
    return {"tiles": found.tiles, "write_tile": write_value, "draw": draw_tile, "may_arrange": may_set(access, "me")}


async def _edit(rooms: Rooms, access: Access, whose: Whose, refusal: DomainError | None = None) -> Response[Any]:
    if not may_set(access, whose):
        whose = "me"
    layout = await load_layout(rooms, access, whose)
    known = {option.code: option for option in layout.available}
    shown = {tile.code for tile in layout.tiles}
    root = f"{access.root}/dashboard/edit"
    context = {
        "whose": whose,
        "tabs": [
            {"label": translate(_WHOSE[one]), "href": f"{root}?whose={one}", "current": one == whose}
            for one in WHOSE
            if may_set(access, one)
        ],
        "layout": layout,
        "known": known,
        "is_own": layout.source == {"me": "me", "account": "account", "clients": "account"}[whose],
        "addable": [(code, option.label) for code, option in known.items() if code not in shown],
        "sizes": [(str(size), translate(size.label)) for size in TileSize],
        "is_full": len(layout.tiles) >= MOST_TILES,
    }
    return render_page(access, "dashboard_edit.html", translate("Arrange the dashboard"), context, refusal=refusal)
