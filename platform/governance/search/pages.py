"""Results of the search dialog, as a fragment: clients on the MSP's pages, records on a client's."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from foundation.text import is_storable
from foundation.web.fragments import DIALOG_FRAGMENT
from governance.permissions import GovernancePermission
from governance.search.queries import search_clients, search_records
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_LONGEST: Final = 200


@get(
    "/search",
    opt={"permission": GovernancePermission.READ_FLEET, "fleet": True} | DIALOG_FRAGMENT,
    include_in_schema=False,
)
async def search_clients_fragment(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    wanted = _wanted(request)
    found = await search_clients(access.session, wanted) if wanted else []
    return _results(access, wanted, clients=found)


@get(
    "/clients/{client:str}/search",
    opt={"permission": GovernancePermission.READ_CHANGES} | DIALOG_FRAGMENT,
    include_in_schema=False,
)
async def search_records_fragment(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    wanted = _wanted(request)
    found = await search_records(access.session, wanted) if wanted else []
    return _results(access, wanted, records=found)


SEARCH_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (search_clients_fragment, search_records_fragment)


def _wanted(request: AnyRequest) -> str:
    """The typed text; empty if no record could contain it."""
    typed = request.query_params.get("q", "").strip()[:_LONGEST]
    return typed if is_storable(typed) else ""


def _results(access: Access, wanted: str, **found: object) -> Response[Any]:
    return render_page(access, "search_results.html", "", {"wanted": wanted, "clients": (), "records": (), **found})
