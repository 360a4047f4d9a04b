"""Pages of connections and contracts."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from canonical.elements import ELEMENTS as PRODUCT_ELEMENTS
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.fragments import FRAGMENT
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from governance.connections.lists import CONNECTIONS, CONTRACTS
from governance.connections.queries import MANY, list_sources
from governance.elements.lists import ELEMENTS
from governance.elements.schemas import Sensitivity
from governance.elements.selector_labels import write_selector
from governance.labels import write_element
from governance.permissions import GovernancePermission
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

_READ: Final = {"permission": GovernancePermission.READ_CONNECTIONS}
_CONTRACTS: Final = {"permission": GovernancePermission.READ_CONTRACTS}
_ROOT: Final = "/clients/{client:str}/connections"


@get(_ROOT, name="connections", opt=_READ, dependencies=CONNECTIONS.page_parameters, include_in_schema=False)
async def list_connections_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await render_list(access, listed)


@get(f"{_ROOT}/rows", opt=_READ | FRAGMENT, dependencies=CONNECTIONS.page_parameters, include_in_schema=False)
async def list_connections_fragment(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return render_page(
        access, "connection_rows.html", translate("Connections"), await _rows(access, listed), refusal=listed.refusal
    )


CONNECTION_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_connections_page,
    export_page(CONNECTIONS, _ROOT, opt=_READ),
    export_page(CONTRACTS, "/clients/{client:str}/contracts", opt=_CONTRACTS),
    list_connections_fragment,
)


async def render_list(
    access: Access,
    listed: ListInput,
    refusal: DomainError | None = None,
    *,
    typed: Mapping[str, str] | None = None,
) -> Response[Any]:
    """Render the list. `typed` is a contract that was refused."""
    contracts = CONTRACTS.parse({})
    found = await load_page(access, CONTRACTS, contracts)
    declared = await ELEMENTS.load(access.session, ELEMENTS.query(show="current"), access.now)
    sources = await list_sources(access.session)
    context = await _rows(access, listed) | {
        "selector": write_selector,
        "sources": sources,
        "names": [
            *((code, write_element(code)) for code in PRODUCT_ELEMENTS),
            *((one.code, one.label) for one in declared.items),
        ],
        "sensitivities": [
            ("", translate("As it is; internal if it is new")),
            *((str(one), translate(one.label)) for one in Sensitivity),
        ],
        "typed": typed or {},
        "shown": typed is not None,
        "contracts": list_view(CONTRACTS, contracts, found, f"{access.root}/contracts"),
        "refused": refusal,
    }
    return render_page(access, "connections.html", translate("Connections"), context, refusal=refusal or listed.refusal)


async def _rows(access: Access, listed: ListInput) -> dict[str, object]:
    found = await load_page(access, CONNECTIONS, listed)
    return {"listed": list_view(CONNECTIONS, listed, found, f"{access.root}/connections"), "many": MANY}
