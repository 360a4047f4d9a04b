"""The search: its dialog's results as a fragment, and a page with all of them."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from foundation.i18n.localizer import translate
from foundation.rooms import Rooms
from foundation.search_sources import FOUND_AT_MOST
from foundation.web.fragments import DIALOG_FRAGMENT
from governance.permissions import GovernancePermission
from governance.search.read import clean_wanted, search_account
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
OF_MSP: Final = {"permission": GovernancePermission.READ_FLEET, "fleet": True}
OF_CLIENT: Final = {"permission": GovernancePermission.READ_CHANGES}
"""Permissions to search; each kind of objects needs its own in addition."""


def build_search_pages(rooms: Rooms) -> tuple[HTTPRouteHandler, ...]:
    @get("/search", opt=OF_MSP | DIALOG_FRAGMENT, include_in_schema=False)
    async def search_msp_fragment(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        return await _results(rooms, request, access, "search_results.html")

    @get("/clients/{client:str}/search", opt=OF_CLIENT | DIALOG_FRAGMENT, include_in_schema=False)
    async def search_client_fragment(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        return await _results(rooms, request, access, "search_results.html")

    @get("/search/results", opt=OF_MSP, include_in_schema=False)
    async def search_msp_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        return await _results(rooms, request, access, "search.html")

    @get("/clients/{client:str}/search/results", opt=OF_CLIENT, include_in_schema=False)
    async def search_client_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        return await _results(rooms, request, access, "search.html")

    return (search_msp_fragment, search_client_fragment, search_msp_page, search_client_page)


async def _results(rooms: Rooms, request: AnyRequest, access: Access, template: str) -> Response[Any]:
    wanted = clean_wanted(request.query_params.get("q", ""))
    found = await search_account(rooms, access, wanted)
    context = {"wanted": wanted, "groups": found, "most": FOUND_AT_MOST}
    return render_page(access, template, translate("Search"), context)
