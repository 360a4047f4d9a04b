"""The API of a client's details."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from foundation.database.engine import Database
from foundation.web.api import patch, post
from foundation.web.etags import EditOperation, etag_of, read_if_match
from governance.onboarding.client_templates.store import load_version
from governance.onboarding.create_client import create_client
from governance.onboarding.schemas import NewClientInput
from governance.services import GovernanceServices
from tenants.change_client import change_client
from tenants.client_input import ClientChanges
from tenants.models import Client
from tenants.permissions import TenantPermission
from tenants.principal import home_scope
from tenants.schemas import ClientView, client_view
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_CREATE: Final = {"permission": TenantPermission.CREATE_CLIENT}
_READ: Final = {"permission": TenantPermission.READ_CLIENTS}
_ROOT: Final = "/api/v1/clients"
_ONE: Final = f"{_ROOT}/{{client:str}}"
_TAGS: Final = ["clients"]


def build_client_routes(db: Database, services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(_ROOT, opt=_CREATE, tags=_TAGS, name="create_client")
    async def create_new_client(access: OpenAccess, data: JSONBody[NewClientInput]) -> Response[ClientView]:
        """Create a client with the starter policy, and the template if one is named. Its onboarding begins."""
        template = None if data.template_id is None else await load_version(access.session, data.template_id)
        scope = home_scope(access.principal).for_tenant(services.new_id())
        return _tagged(
            await create_client(
                db, scope, data, clock=services.clock, new_id=services.new_id, template=template, holds_values=True
            )
        )

    return (create_new_client, show_client, change_client_details)


@get(_ONE, opt=_READ, tags=_TAGS)
async def show_client(access: OpenAccess) -> Response[ClientView]:
    """A client's details. `ETag` has its revision."""
    return _tagged(access.require_client())


@patch(_ONE, opt=_CREATE, tags=_TAGS, operation_class=EditOperation)
async def change_client_details(
    request: AnyRequest, access: OpenAccess, data: JSONBody[ClientChanges]
) -> Response[ClientView]:
    """Change a client's name, language, time zone or region. `If-Match` must have the client's `ETag`."""
    revision = read_if_match(request)
    return _tagged(await change_client(access.session, data, revision=revision, now=access.now))


def _tagged(client: Client) -> Response[ClientView]:
    return Response(client_view(client), headers={"ETag": etag_of(client.revision)})
