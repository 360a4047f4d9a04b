"""The API of a connection's settings: the catalogue, tests, adding, changing and deleting."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from connectors.add_connection import add_connection, probe_new_connection
from connectors.change_connection import probe_connection
from connectors.connection_input import ConnectionChanges, ConnectionInput
from connectors.connections import get_connection
from connectors.probe import ProbeResult
from foundation.web.api import delete, patch, post
from foundation.web.etags import EditOperation, etag_of, read_if_match
from governance.connections.catalogue import list_connectors
from governance.connections.change_settings import change_settings
from governance.connections.delete_connection import delete_connection, preview_deletion
from governance.connections.details import list_health_spells, load_detail
from governance.connections.schemas import ConnectionDetail, ConnectorCatalogue, DeletionPreview, HealthHistory
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from tenants.auth.step_up import STEP_UP
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": GovernancePermission.READ_CONNECTIONS}
_CONFIGURE: Final = {"permission": GovernancePermission.CONFIGURE_CONNECTIONS}
_CLIENT: Final = "/api/v1/clients/{client:str}"
_ROOT: Final = f"{_CLIENT}/connections"
_ONE: Final = f"{_ROOT}/{{connection_id:uuid}}"
_TAGS: Final = ["connections"]


def build_settings_routes(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    return (*_build_reading(services), *_build_tests(services), *_build_changes(services))


def _build_reading(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @get(f"{_CLIENT}/connectors", opt=_READ, tags=_TAGS)
    async def list_catalogue(access: OpenAccess) -> ConnectorCatalogue:  # noqa: ARG001 - it checks the permission
        """List the kinds of system that can be connected, with the settings and credentials of each."""
        return ConnectorCatalogue(list_connectors(services.runtime.registry))

    @get(_ONE, opt=_READ, tags=_TAGS)
    async def show_connection(access: OpenAccess, connection_id: FromPath[UUID]) -> Response[ConnectionDetail]:
        """The settings of a connection, without the values of its credentials. `ETag` has its revision."""
        return _tagged(await load_detail(access.session, services.runtime.registry, connection_id))

    @get(f"{_ONE}/health-history", opt=_READ, tags=_TAGS)
    async def list_connection_health(access: OpenAccess, connection_id: FromPath[UUID]) -> HealthHistory:
        """List the latest twenty times in which the connection was paused, or failed for more than five minutes."""
        await get_connection(access.session, connection_id)
        return HealthHistory(await list_health_spells(access.session, connection_id))

    @get(f"{_ONE}/deletion", opt=_READ, tags=_TAGS)
    async def preview_connection_deletion(
        access: OpenAccess, connection_id: FromPath[UUID]
    ) -> Response[DeletionPreview]:
        """Preview what the deletion of the connection would remove. Send the `ETag` with the deletion."""
        preview = await preview_deletion(access.session, connection_id)
        return Response(preview, headers={"ETag": etag_of(preview.revision)})

    return (list_catalogue, show_connection, list_connection_health, preview_connection_deletion)


def _build_tests(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(f"{_ROOT}/test", opt=_CONFIGURE, tags=_TAGS, status_code=200)
    async def test_new_connection(access: OpenAccess, data: JSONBody[ConnectionInput]) -> ProbeResult:
        """Test a connection before it is added: one reading of the system. Nothing is saved or written. `preview` has
        what would be read of about five records.
        """
        return await probe_new_connection(access.session, services.runtime, data, now=access.now)

    @post(f"{_ONE}/test", opt=_CONFIGURE, tags=_TAGS, status_code=200)
    async def test_connection(
        access: OpenAccess, connection_id: FromPath[UUID], data: JSONBody[ConnectionChanges]
    ) -> ProbeResult:
        """Test a connection, with changes that are not saved; `{}` tests it as it is. `preview` has what would be read
        of about five records.
        """
        return await probe_connection(
            access.session, services.runtime, connection_id, data, now=access.now, preview=True
        )

    return (test_new_connection, test_connection)


def _build_changes(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(_ROOT, opt=_CONFIGURE, tags=_TAGS)
    async def create_connection(access: OpenAccess, data: JSONBody[ConnectionInput]) -> Response[ConnectionDetail]:
        """Add a connection once its test has passed. A source that can be polled is polled from now on."""
        connection_id = await add_connection(
            access.session, services.runtime, data, now=access.now, new_id=services.new_id
        )
        return _tagged(await load_detail(access.session, services.runtime.registry, connection_id))

    @patch(_ONE, opt=_CONFIGURE | STEP_UP, tags=_TAGS, operation_class=EditOperation)
    async def change_connection(
        request: AnyRequest, access: OpenAccess, connection_id: FromPath[UUID], data: JSONBody[ConnectionChanges]
    ) -> Response[ConnectionDetail]:
        """Change settings and credentials. `If-Match` must have the connection's `ETag`. Settings that affect calls are
        saved once they have passed a test; until then the stored ones are in use.
        """
        await get_connection(access.session, connection_id)  # 404 takes precedence over missing headers
        await change_settings(
            access.session, services.runtime, connection_id, data, revision=read_if_match(request), now=access.now
        )
        return _tagged(await load_detail(access.session, services.runtime.registry, connection_id))

    @delete(_ONE, opt=_CONFIGURE | STEP_UP, tags=_TAGS, operation_class=EditOperation)
    async def remove_connection(request: AnyRequest, access: OpenAccess, connection_id: FromPath[UUID]) -> None:
        """Delete a connection with its credentials, as previewed. `If-Match` must have the preview's `ETag`."""
        await get_connection(access.session, connection_id)
        await delete_connection(access.session, connection_id, revision=read_if_match(request), now=access.now)

    return (create_connection, change_connection, remove_connection)


def _tagged(detail: ConnectionDetail) -> Response[ConnectionDetail]:
    return Response(detail, headers={"ETag": etag_of(detail.revision)})
