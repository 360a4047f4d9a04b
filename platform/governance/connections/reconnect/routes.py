"""The API of reconnect links."""

from typing import Final
from uuid import UUID

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from connectors.connections import get_connection
from connectors.reconnect_links import create_reconnect_link, find_reconnect_link, revoke_reconnect_link
from foundation.errors import NotFound
from foundation.web.api import delete, post
from governance.connections.reconnect.renew import PATH
from governance.connections.reconnect.schemas import NewReconnectLink, ReconnectLinkView
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from tenants.auth.pages import AnyRequest
from tenants.auth.step_up import STEP_UP
from tenants.secrets import new_secret
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of

_CONFIGURE: Final = {"permission": GovernancePermission.CONFIGURE_CONNECTIONS}
_ONE: Final = "/api/v1/clients/{client:str}/connections/{connection_id:uuid}/reconnect-link"
_TAGS: Final = ["connections"]


def build_reconnect_routes(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(_ONE, opt=_CONFIGURE | STEP_UP, tags=_TAGS)
    async def create_connection_link(
        request: AnyRequest, access: OpenAccess, connection_id: FromPath[UUID]
    ) -> Response[NewReconnectLink]:
        """Create a link with which somebody without an account can enter new credentials of the connection, once, for
        seven days. It replaces the earlier one.
        """
        token, link = await create_reconnect_link(
            access.session, services.runtime, connection_id, new_secret=new_secret, now=access.now
        )
        address = f"{portal_of(request, access.brand).origin}{PATH}/{token}"
        made = NewReconnectLink(address, link.created_at, link.expires_at)
        return Response(made, headers={"Cache-Control": "no-store"})

    return (show_connection_link, create_connection_link, revoke_connection_link)


@get(_ONE, opt=_CONFIGURE, tags=_TAGS)
async def show_connection_link(access: OpenAccess, connection_id: FromPath[UUID]) -> ReconnectLinkView:
    """Return the connection's reconnect link, without its text. 404 if none is valid."""
    await get_connection(access.session, connection_id)
    found = await find_reconnect_link(access.session, connection_id, now=access.now)
    if found is None:
        raise NotFound
    return ReconnectLinkView(found.created_at, found.created_by, found.expires_at)


@delete(_ONE, opt=_CONFIGURE, tags=_TAGS)
async def revoke_connection_link(access: OpenAccess, connection_id: FromPath[UUID]) -> None:
    """Withdraw the connection's reconnect link."""
    await revoke_reconnect_link(access.session, connection_id, now=access.now)
