"""The API of connections (health, pause, webhook secret) and of contracts."""

from typing import Final
from uuid import UUID

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.web.api import post
from governance.connections import pause
from governance.connections.lists import CONNECTIONS, CONTRACTS
from governance.connections.schemas import NewHookSecret
from governance.connections.webhook_secret import renew_hook_secret
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from tenants.secrets import new_secret
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": GovernancePermission.READ_CONNECTIONS}
_WRITE: Final = {"permission": GovernancePermission.WRITE_CONNECTIONS}
_CONTRACTS: Final = {"permission": GovernancePermission.READ_CONTRACTS}
_ROOT: Final = "/api/v1/clients/{client:str}/connections"
_ONE: Final = f"{_ROOT}/{{connection_id:uuid}}"
_TAGS: Final = ["connections"]


CONNECTION_LIST: Final = list_route(
    CONNECTIONS, _ROOT, opt=_READ, tags=_TAGS, about="List connections with their backlogs, sources first."
)
CONTRACT_LIST: Final = list_route(
    CONTRACTS,
    "/api/v1/clients/{client:str}/contracts",
    opt=_CONTRACTS,
    tags=_TAGS,
    about="List the contracts: each element's only source of truth, owner and clocks (ISO 8601 durations).",
)


@post(f"{_ONE}/pause", opt=_WRITE, tags=_TAGS, status_code=204)
async def pause_connection(access: OpenAccess, connection_id: FromPath[UUID]) -> None:
    """Pause a connection: a source is not polled and its webhooks are rejected; a channel gets no new values."""
    await pause.pause_connection(access.session, connection_id, now=access.now)


@post(f"{_ONE}/resume", opt=_WRITE, tags=_TAGS, status_code=204)
async def resume_connection(access: OpenAccess, connection_id: FromPath[UUID]) -> None:
    """Resume a connection."""
    await pause.resume_connection(access.session, connection_id, now=access.now)


def build_connection_routes(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(f"{_ONE}/webhook-secret", opt=_WRITE, tags=_TAGS)
    async def renew_webhook_secret(access: OpenAccess, connection_id: FromPath[UUID]) -> Response[NewHookSecret]:
        """Create a new secret for the source's webhooks. The previous one stays valid until the next renewal."""
        secret = await renew_hook_secret(
            access.session, services.runtime, connection_id, new_secret=new_secret, now=access.now
        )
        return Response(NewHookSecret(secret), headers={"Cache-Control": "no-store"})

    return (CONNECTION_LIST, pause_connection, resume_connection, renew_webhook_secret, CONTRACT_LIST)
