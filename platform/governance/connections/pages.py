"""Pages of connections and contracts."""

from collections.abc import Awaitable
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from connectors.connections import get_connection
from foundation.errors import DomainError
from foundation.web.actions import run_action
from foundation.web.fragments import FRAGMENT
from foundation.web.render import redirect_to
from governance.connections import pause
from governance.connections.queries import MANY, list_contracts, list_health
from governance.connections.webhook_secret import renew_hook_secret
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.routes import OpenAccess
from tenants.secrets import new_secret

_READ: Final = {"permission": GovernancePermission.READ_CONNECTIONS}
_WRITE: Final = {"permission": GovernancePermission.WRITE_CONNECTIONS}
_ROOT: Final = "/clients/{client:str}/connections"
_ONE: Final = f"{_ROOT}/{{connection_id:uuid}}"


@get(_ROOT, name="connections", opt=_READ, include_in_schema=False)
async def connection_list(access: OpenAccess) -> Response[Any]:
    return await _list(access)


@get(f"{_ROOT}/rows", opt=_READ | FRAGMENT, include_in_schema=False)
async def connection_rows(access: OpenAccess) -> Response[Any]:
    context = {"connections": await list_health(access.session), "many": MANY}
    return render_page(access, "connection_rows.html", "Connections", context)


@post(f"{_ONE}/pause", opt=_WRITE, include_in_schema=False)
async def pause_connection(access: OpenAccess, connection_id: FromPath[UUID]) -> Response[Any]:
    return await _act(
        access, pause.pause_connection(access.session, connection_id, now=access.now), "Connection paused"
    )


@post(f"{_ONE}/resume", opt=_WRITE, include_in_schema=False)
async def resume_connection(access: OpenAccess, connection_id: FromPath[UUID]) -> Response[Any]:
    return await _act(
        access, pause.resume_connection(access.session, connection_id, now=access.now), "Connection resumed"
    )


def build_connection_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(f"{_ONE}/webhook-secret", opt=_WRITE, include_in_schema=False, status_code=200)
    async def renew_secret(access: OpenAccess, connection_id: FromPath[UUID]) -> Response[Any]:
        """Respond with the page instead of a redirect, because the secret is shown only once."""
        name = (await get_connection(access.session, connection_id)).name
        made: list[str] = []

        async def renew() -> None:
            made.append(
                await renew_hook_secret(
                    access.session, services.runtime, connection_id, new_secret=new_secret, now=access.now
                )
            )

        refusal = await run_action(access.session, renew())
        return await _list(access, refusal, new=None if refusal else (name, made[0]))

    return (connection_list, connection_rows, pause_connection, resume_connection, renew_secret)


async def _act(access: Access, act: Awaitable[None], done: str) -> Response[Any]:
    refusal = await run_action(access.session, act)
    return redirect_to(access, "/connections", done=done) if refusal is None else await _list(access, refusal)


async def _list(
    access: Access, refusal: DomainError | None = None, *, new: tuple[str, str] | None = None
) -> Response[Any]:
    """Render the list. `new` is the name of a connection and its new secret."""
    context = {
        "connections": await list_health(access.session),
        "many": MANY,
        "contracts": await list_contracts(access.session),
        "new": new,
    }
    return render_page(access, "connections.html", "Connections", context, refusal=refusal)
