"""Connections and contracts."""

from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from governance.answers.pages import show
from governance.permissions import GovernancePermission
from governance.systems.queries import MANY, list_health, list_shown_contracts
from tenants.routes import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_CONNECTIONS}
_ROOT: Final = "/clients/{client:str}/connections"


@get(_ROOT, name="connections", opt=_READ, include_in_schema=False)
async def connection_list(access: OpenAccess) -> Response[Any]:
    context = {
        "connections": await list_health(access.session),
        "many": MANY,
        "contracts": await list_shown_contracts(access.session),
    }
    return show(access, "connections.html", "Connections", context)


@get(f"{_ROOT}/rows", opt=_READ, include_in_schema=False)
async def connection_rows(access: OpenAccess) -> Response[Any]:
    context = {"connections": await list_health(access.session), "many": MANY}
    return show(access, "connection_rows.html", "Connections", context)


SYSTEM_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (connection_list, connection_rows)
