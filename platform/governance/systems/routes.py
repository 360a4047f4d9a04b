"""The API of connections' health and of contracts."""

from collections.abc import Sequence
from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler

from governance.permissions import GovernancePermission
from governance.schemas import ConnectionHealth, ShownContract
from governance.systems.queries import list_health, list_shown_contracts
from tenants.routes import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_CONNECTIONS}
_CONTRACTS: Final = {"permission": GovernancePermission.READ_CONTRACTS}


@get("/api/v1/clients/{client:str}/connections", opt=_READ, tags=["connections"])
async def api_connections(access: OpenAccess) -> Sequence[ConnectionHealth]:
    """Sources first, with what waits for each."""
    return await list_health(access.session)


@get("/api/v1/clients/{client:str}/contracts", opt=_CONTRACTS, tags=["connections"])
async def api_contracts(access: OpenAccess) -> Sequence[ShownContract]:
    """For each element: its only source of truth, its owner and its clocks (ISO 8601 durations)."""
    return await list_shown_contracts(access.session)


SYSTEM_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (api_connections, api_contracts)
