"""API of webhooks. Without a client in the path, endpoints are the MSP's, which receive events of all its clients."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from foundation.web.api import delete, patch, post
from foundation.web.etags import EditOperation, etag_of, read_if_match
from tenants.auth.step_up import STEP_UP
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route
from webhooks import deliveries, endpoints
from webhooks.body import message_id_of
from webhooks.lists import DELIVERIES, ENDPOINTS
from webhooks.permissions import WebhookPermission
from webhooks.queries import list_event_types, read_delivery, read_endpoint
from webhooks.schemas import (
    NewWebhookEndpointView,
    WebhookDeliveryDetail,
    WebhookEndpointChanges,
    WebhookEndpointInput,
    WebhookEndpointView,
    WebhookEventTypeList,
    WebhookReplay,
    WebhookReplayResult,
    WebhookSecretView,
)
from webhooks.services import WebhookServices

AnyRequest = Request[Any, Any, Any]
_ACCOUNTS: Final = ("/api/v1", "/api/v1/clients/{client:str}")
_ROOT: Final = [f"{account}/webhook-endpoints" for account in _ACCOUNTS]
_ONE: Final = [f"{path}/{{endpoint_id:uuid}}" for path in _ROOT]
_DELIVERY: Final = [f"{path}/deliveries/{{delivery_id:uuid}}" for path in _ONE]
_READ: Final = {"permission": WebhookPermission.READ}
_WRITE: Final = {"permission": WebhookPermission.WRITE}
_SECRETS: Final = _WRITE | STEP_UP
"""Options of routes that show a secret or change the address of events."""
_TAGS: Final = ["webhooks"]
_SECRET: Final = {"Cache-Control": "no-store"}


class QueuedTest(msgspec.Struct, frozen=True):
    """A queued test event. `message_id` is its header webhook-id."""

    message_id: str


def _under(suffix: str) -> list[str]:
    return [f"{path}/{suffix}" for path in _ONE]


def build_webhook_routes(services: WebhookServices) -> list[HTTPRouteHandler]:
    return [*_build_reading(services), *_build_changes(services), *_build_sending()]


def _build_reading(services: WebhookServices) -> list[HTTPRouteHandler]:
    @get([f"{account}/webhook-event-types" for account in _ACCOUNTS], opt=_READ, tags=_TAGS)
    async def list_webhook_event_types(access: OpenAccess) -> WebhookEventTypeList:  # noqa: ARG001 - checks the permission
        """List the types of events that an endpoint can receive, with the JSON Schema of their data."""
        return WebhookEventTypeList(list_event_types(services))

    @get(_ONE, opt=_READ, tags=_TAGS)
    async def show_webhook_endpoint(access: OpenAccess, endpoint_id: FromPath[UUID]) -> Response[WebhookEndpointView]:
        """An endpoint without its secret. `ETag` has its revision."""
        return _tagged(await read_endpoint(access.session, endpoint_id, now=access.now))

    @get(_DELIVERY, opt=_READ, tags=_TAGS)
    async def show_webhook_delivery(
        access: OpenAccess, endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID]
    ) -> WebhookDeliveryDetail:
        """A delivery with the body that is sent and every attempt with its answer."""
        return await read_delivery(access.session, endpoint_id, delivery_id)

    endpoint_list = list_route(
        ENDPOINTS, _ROOT, opt=_READ, tags=_TAGS, about="List the webhook endpoints of this account, newest first."
    )
    delivery_list = list_route(
        DELIVERIES, _under("deliveries"), opt=_READ, tags=_TAGS, about="List an endpoint's deliveries, latest first."
    )
    return [list_webhook_event_types, endpoint_list, show_webhook_endpoint, delivery_list, show_webhook_delivery]


def _build_changes(services: WebhookServices) -> list[HTTPRouteHandler]:
    @post(_ROOT, opt=_SECRETS, tags=_TAGS)
    async def create_webhook_endpoint(
        access: OpenAccess, data: JSONBody[WebhookEndpointInput]
    ) -> Response[NewWebhookEndpointView]:
        """Add an endpoint. Only this response contains its signing secret."""
        endpoint_id, secret = await endpoints.add_endpoint(access.session, services, data, now=access.now)
        view = await read_endpoint(access.session, endpoint_id, now=access.now)
        return Response(NewWebhookEndpointView(view, secret), headers=_SECRET)

    @patch(_ONE, opt=_SECRETS, tags=_TAGS, operation_class=EditOperation)
    async def change_webhook_endpoint(
        request: AnyRequest, access: OpenAccess, endpoint_id: FromPath[UUID], data: JSONBody[WebhookEndpointChanges]
    ) -> Response[WebhookEndpointView]:
        """Change address, description or event types. `If-Match` must have the endpoint's `ETag`."""
        await endpoints.get_endpoint(access.session, endpoint_id)  # 404 precedes errors of headers
        await endpoints.change_endpoint(
            access.session, services, endpoint_id, data, revision=read_if_match(request), now=access.now
        )
        return _tagged(await read_endpoint(access.session, endpoint_id, now=access.now))

    @delete(_ONE, opt=_WRITE, tags=_TAGS, operation_class=EditOperation)
    async def remove_webhook_endpoint(request: AnyRequest, access: OpenAccess, endpoint_id: FromPath[UUID]) -> None:
        """Delete an endpoint. Pending events are not sent. `If-Match` must have the endpoint's `ETag`."""
        await endpoints.get_endpoint(access.session, endpoint_id)
        await endpoints.delete_endpoint(access.session, endpoint_id, revision=read_if_match(request), now=access.now)

    @post(_under("secret"), opt=_SECRETS, tags=_TAGS)
    async def rotate_webhook_secret(access: OpenAccess, endpoint_id: FromPath[UUID]) -> Response[WebhookSecretView]:
        """Create a new signing secret. For a day both sign, so that the receiver can change in between."""
        secret, until = await endpoints.rotate_secret(access.session, services, endpoint_id, now=access.now)
        return Response(WebhookSecretView(secret, until), headers=_SECRET)

    @post(_under("pause"), opt=_WRITE, tags=_TAGS, status_code=204)
    async def pause_webhook_endpoint(access: OpenAccess, endpoint_id: FromPath[UUID]) -> None:
        """Pause an endpoint. Its events are kept, and sent in order when it is resumed."""
        await endpoints.pause_endpoint(access.session, endpoint_id, now=access.now)

    @delete(_under("pause"), opt=_WRITE, tags=_TAGS)
    async def resume_webhook_endpoint(access: OpenAccess, endpoint_id: FromPath[UUID]) -> None:
        """Resume a paused endpoint."""
        await endpoints.resume_endpoint(access.session, endpoint_id, now=access.now)

    return [
        create_webhook_endpoint,
        change_webhook_endpoint,
        remove_webhook_endpoint,
        rotate_webhook_secret,
        pause_webhook_endpoint,
        resume_webhook_endpoint,
    ]


def _build_sending() -> list[HTTPRouteHandler]:
    @post(_under("test"), opt=_WRITE, tags=_TAGS, status_code=202)
    async def send_webhook_test(access: OpenAccess, endpoint_id: FromPath[UUID]) -> QueuedTest:
        """Send a test event, behind pending ones."""
        return QueuedTest(message_id_of(await deliveries.send_test(access.session, endpoint_id, now=access.now)))

    @post(_under("replay"), opt=_WRITE, tags=_TAGS, status_code=200)
    async def replay_webhook_deliveries(
        access: OpenAccess, endpoint_id: FromPath[UUID], data: JSONBody[WebhookReplay]
    ) -> WebhookReplayResult:
        """Send the events of a period again, in order, with the same message ids."""
        return WebhookReplayResult(await deliveries.replay_range(access.session, endpoint_id, data, now=access.now))

    @post([f"{path}/replay" for path in _DELIVERY], opt=_WRITE, tags=_TAGS, status_code=200)
    async def replay_webhook_delivery(
        access: OpenAccess, endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID]
    ) -> WebhookDeliveryDetail:
        """Send an event again, with the same message id."""
        again = await deliveries.replay_delivery(access.session, endpoint_id, delivery_id, now=access.now)
        return await read_delivery(access.session, endpoint_id, again)

    @post([f"{path}/skip" for path in _DELIVERY], opt=_WRITE, tags=_TAGS, status_code=204)
    async def skip_webhook_delivery(
        access: OpenAccess, endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID]
    ) -> None:
        """Skip a pending event, so that those behind it are sent."""
        await deliveries.skip_delivery(access.session, endpoint_id, delivery_id, now=access.now)

    return [send_webhook_test, replay_webhook_deliveries, replay_webhook_delivery, skip_webhook_delivery]


def _tagged(view: WebhookEndpointView) -> Response[WebhookEndpointView]:
    return Response(view, headers={"ETag": etag_of(view.revision)})
