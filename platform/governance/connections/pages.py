"""Pages of connections and contracts."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from canonical.elements import ELEMENTS as PRODUCT_ELEMENTS
from connectors.connections import get_connection
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.fragments import FRAGMENT
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from foundation.web.render import redirect_to
from governance.connections import pause
from governance.connections.lists import CONNECTIONS, CONTRACTS
from governance.connections.queries import MANY, list_sources
from governance.connections.webhook_secret import renew_hook_secret
from governance.elements.lists import ELEMENTS
from governance.elements.selector_labels import write_selector
from governance.labels import write_element
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.secrets import new_secret
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

_READ: Final = {"permission": GovernancePermission.READ_CONNECTIONS}
_WRITE: Final = {"permission": GovernancePermission.WRITE_CONNECTIONS}
_CONTRACTS: Final = {"permission": GovernancePermission.READ_CONTRACTS}
_ROOT: Final = "/clients/{client:str}/connections"
_ONE: Final = f"{_ROOT}/{{connection_id:uuid}}"


@get(_ROOT, name="connections", opt=_READ, dependencies=CONNECTIONS.page_parameters, include_in_schema=False)
async def list_connections_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await render_list(access, listed)


@get(f"{_ROOT}/rows", opt=_READ | FRAGMENT, dependencies=CONNECTIONS.page_parameters, include_in_schema=False)
async def list_connections_fragment(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return render_page(
        access, "connection_rows.html", translate("Connections"), await _rows(access, listed), refusal=listed.refusal
    )


@post(f"{_ONE}/pause", opt=_WRITE, include_in_schema=False)
async def pause_connection_page(access: OpenAccess, connection_id: FromPath[UUID]) -> Response[Any]:
    return await _act(
        access, pause.pause_connection(access.session, connection_id, now=access.now), translate("Connection paused")
    )


@post(f"{_ONE}/resume", opt=_WRITE, include_in_schema=False)
async def resume_connection_page(access: OpenAccess, connection_id: FromPath[UUID]) -> Response[Any]:
    return await _act(
        access, pause.resume_connection(access.session, connection_id, now=access.now), translate("Connection resumed")
    )


def build_connection_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(f"{_ONE}/webhook-secret", opt=_WRITE, include_in_schema=False, status_code=200)
    async def renew_webhook_secret_page(access: OpenAccess, connection_id: FromPath[UUID]) -> Response[Any]:
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
        return await render_list(access, CONNECTIONS.parse({}), refusal, new=None if refusal else (name, made[0]))

    return (
        list_connections_page,
        export_page(CONNECTIONS, _ROOT, opt=_READ),
        export_page(CONTRACTS, "/clients/{client:str}/contracts", opt=_CONTRACTS),
        list_connections_fragment,
        pause_connection_page,
        resume_connection_page,
        renew_webhook_secret_page,
    )


async def _act(access: Access, act: Awaitable[None], done: str) -> Response[Any]:
    refusal = await run_action(access.session, act)
    return (
        redirect_to(access, "/connections", done=done)
        if refusal is None
        else await render_list(access, CONNECTIONS.parse({}), refusal)
    )


async def render_list(
    access: Access,
    listed: ListInput,
    refusal: DomainError | None = None,
    *,
    new: tuple[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response[Any]:
    """Render the list. `new` is the name of a connection and its new secret; `typed` a contract that was refused."""
    contracts = CONTRACTS.parse({})
    found = await load_page(access, CONTRACTS, contracts)
    declared = await ELEMENTS.load(access.session, ELEMENTS.query(), access.now)
    sources = await list_sources(access.session)
    context = await _rows(access, listed) | {
        "selector": write_selector,
        "sources": sources,
        "names": [
            *((code, write_element(code)) for code in PRODUCT_ELEMENTS),
            *((one.code, one.label) for one in declared.items),
        ],
        "typed": typed or {},
        "shown": typed is not None,
        "contracts": list_view(CONTRACTS, contracts, found, f"{access.root}/contracts"),
        "new": new,
        "refused": refusal,
    }
    return render_page(access, "connections.html", translate("Connections"), context, refusal=refusal or listed.refusal)


async def _rows(access: Access, listed: ListInput) -> dict[str, object]:
    found = await load_page(access, CONNECTIONS, listed)
    return {"listed": list_view(CONNECTIONS, listed, found, f"{access.root}/connections"), "many": MANY}
