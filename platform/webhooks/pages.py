"""Pages of webhooks: the list, the form, one endpoint with its deliveries, one delivery."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.database.savepoint import savepoint
from foundation.errors import DomainError, InvalidInput, NotFound
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page
from webhooks import deliveries, endpoints
from webhooks.lists import DELIVERIES, ENDPOINTS
from webhooks.permissions import WebhookPermission
from webhooks.queries import list_event_types, read_delivery, read_endpoint
from webhooks.schedule import AUTO_PAUSE_AFTER
from webhooks.schemas import WebhookEndpointChanges, WebhookEndpointInput, WebhookReplay
from webhooks.services import WebhookServices
from webhooks.states import PauseReason

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/webhooks", "/clients/{client:str}/webhooks"]
_NEW: Final = [f"{path}/new" for path in _ROOTS]
_ONE: Final = [f"{path}/{{endpoint_id:uuid}}" for path in _ROOTS]
_DELIVERY: Final = [f"{path}/deliveries/{{delivery_id:uuid}}" for path in _ONE]
_READ: Final = {"permission": WebhookPermission.READ}
_WRITE: Final = {"permission": WebhookPermission.WRITE}
_SECRETS: Final = _WRITE | STEP_UP
"""Options of routes that show a secret or change the address of events."""
_REASONS: Final = {str(reason): reason.label for reason in PauseReason}


class Typed(msgspec.Struct, frozen=True):
    """The form of an endpoint, as typed."""

    url: str = ""
    description: str = ""
    event_types: list[str] = msgspec.field(default_factory=list)
    revision: int = 0


def _under(suffix: str) -> list[str]:
    return [f"{path}/{suffix}" for path in _ONE]


def build_webhook_pages(services: WebhookServices) -> list[HTTPRouteHandler]:
    return [*_build_form(services), *_build_endpoint(services), *_build_acts(), *_build_delivery()]


def _build_form(services: WebhookServices) -> list[HTTPRouteHandler]:
    @get(_ROOTS, name="webhooks", opt=_READ, dependencies=ENDPOINTS.page_parameters, include_in_schema=False)
    async def list_webhooks_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
        found = await load_page(access, ENDPOINTS, listed)
        context = {"listed": list_view(ENDPOINTS, listed, found, f"{access.root}/webhooks"), "reasons": _REASONS}
        return render_page(access, "webhooks/endpoints.html", translate("Webhooks"), context, refusal=listed.refusal)

    @get(_NEW, opt=_WRITE, include_in_schema=False)
    async def new_webhook_page(access: OpenAccess) -> Response[Any]:
        return _form(access, services, Typed())

    @post(_NEW, opt=_SECRETS, include_in_schema=False, status_code=200)
    async def create_webhook_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        """Answer with the endpoint's page instead of a redirect, because the secret is shown only once."""
        typed = await _read_form(request)
        wanted = WebhookEndpointInput(typed.url, typed.event_types, typed.description)
        try:
            async with savepoint(access.session):
                made, secret = await endpoints.add_endpoint(access.session, services, wanted, now=access.now)
        except DomainError as refusal:
            return _form(access, services, typed, refusal)
        return await _endpoint(access, made, DELIVERIES.parse({}), secret=secret)

    @get(_under("edit"), opt=_WRITE, include_in_schema=False)
    async def edit_webhook_page(access: OpenAccess, endpoint_id: FromPath[UUID]) -> Response[Any]:
        view = await read_endpoint(access.session, endpoint_id, now=access.now)
        typed = Typed(view.url, view.description, list(view.event_types), view.revision)
        return _form(access, services, typed, endpoint_id=endpoint_id)

    @post(_under("edit"), opt=_SECRETS, include_in_schema=False)
    async def save_webhook_page(request: AnyRequest, access: OpenAccess, endpoint_id: FromPath[UUID]) -> Response[Any]:
        typed = await _read_form(request)
        changes = WebhookEndpointChanges(typed.url, typed.event_types, typed.description)
        changing = endpoints.change_endpoint(
            access.session, services, endpoint_id, changes, revision=typed.revision, now=access.now
        )
        refusal = await run_action(access.session, changing)
        if refusal is not None:
            return _form(access, services, typed, refusal, endpoint_id=endpoint_id)
        return redirect_to(access, f"/webhooks/{endpoint_id}", done=translate("Saved"))

    export = export_page(ENDPOINTS, _ROOTS, opt=_READ)
    return [list_webhooks_page, export, new_webhook_page, create_webhook_page, edit_webhook_page, save_webhook_page]


def _build_endpoint(services: WebhookServices) -> list[HTTPRouteHandler]:
    @get(_ONE, opt=_READ, dependencies=DELIVERIES.page_parameters, include_in_schema=False)
    async def webhook_page(access: OpenAccess, endpoint_id: FromPath[UUID], listed: ListParameters) -> Response[Any]:
        return await _endpoint(access, endpoint_id, listed)

    @post(_under("secret"), opt=_SECRETS, include_in_schema=False, status_code=200)
    async def rotate_webhook_secret_page(access: OpenAccess, endpoint_id: FromPath[UUID]) -> Response[Any]:
        """Answer with the page instead of a redirect, because the secret is shown only once."""
        secret, _ = await endpoints.rotate_secret(access.session, services, endpoint_id, now=access.now)
        return await _endpoint(access, endpoint_id, DELIVERIES.parse({}), secret=secret)

    return [webhook_page, export_page(DELIVERIES, _under("deliveries"), opt=_READ), rotate_webhook_secret_page]


def _build_acts() -> list[HTTPRouteHandler]:
    @post(_under("pause"), opt=_WRITE, include_in_schema=False)
    async def pause_webhook_page(access: OpenAccess, endpoint_id: FromPath[UUID]) -> Response[Any]:
        pausing = endpoints.pause_endpoint(access.session, endpoint_id, now=access.now)
        return await _after(access, endpoint_id, await run_action(access.session, pausing), translate("Webhook paused"))

    @post(_under("resume"), opt=_WRITE, include_in_schema=False)
    async def resume_webhook_page(access: OpenAccess, endpoint_id: FromPath[UUID]) -> Response[Any]:
        resuming = endpoints.resume_endpoint(access.session, endpoint_id, now=access.now)
        refusal = await run_action(access.session, resuming)
        return await _after(access, endpoint_id, refusal, translate("Webhook resumed"))

    @post(_under("test"), opt=_WRITE, include_in_schema=False)
    async def send_webhook_test_page(access: OpenAccess, endpoint_id: FromPath[UUID]) -> Response[Any]:
        testing = deliveries.send_test(access.session, endpoint_id, now=access.now)
        refusal = await run_action(access.session, testing)
        return await _after(access, endpoint_id, refusal, translate("Test event sent"))

    @post(_under("delete"), opt=_WRITE, include_in_schema=False)
    async def remove_webhook_page(
        request: AnyRequest, access: OpenAccess, endpoint_id: FromPath[UUID]
    ) -> Response[Any]:
        revision = _whole((await request.form()).get("revision", ""))
        deleting = endpoints.delete_endpoint(access.session, endpoint_id, revision=revision, now=access.now)
        refusal = await run_action(access.session, deleting)
        if refusal is not None:
            return await _endpoint(access, endpoint_id, DELIVERIES.parse({}), refusal)
        return redirect_to(access, "/webhooks", done=translate("Webhook deleted"))

    @post(_under("replay"), opt=_WRITE, include_in_schema=False)
    async def replay_webhook_page(
        request: AnyRequest, access: OpenAccess, endpoint_id: FromPath[UUID]
    ) -> Response[Any]:
        await endpoints.get_endpoint(access.session, endpoint_id)
        form = await request.form()
        try:
            async with savepoint(access.session):
                wanted = WebhookReplay(_day(form.get("since", "")), _day(form.get("until", "")) + timedelta(days=1))
                number = await deliveries.replay_range(access.session, endpoint_id, wanted, now=access.now)
        except NotFound:
            raise
        except DomainError as refusal:
            return await _endpoint(access, endpoint_id, DELIVERIES.parse({}), refusal)
        return redirect_to(
            access, f"/webhooks/{endpoint_id}", done=translate("Events that are sent again: {number}", number=number)
        )

    return [
        pause_webhook_page,
        resume_webhook_page,
        send_webhook_test_page,
        remove_webhook_page,
        replay_webhook_page,
    ]


def _build_delivery() -> list[HTTPRouteHandler]:
    @get(_DELIVERY, opt=_READ, include_in_schema=False)
    async def webhook_delivery_page(
        access: OpenAccess, endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID]
    ) -> Response[Any]:
        return await _delivery(access, endpoint_id, delivery_id)

    @post([f"{path}/replay" for path in _DELIVERY], opt=_WRITE, include_in_schema=False)
    async def replay_webhook_delivery_page(
        access: OpenAccess, endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID]
    ) -> Response[Any]:
        sending = deliveries.replay_delivery(access.session, endpoint_id, delivery_id, now=access.now)
        refusal = await run_action(access.session, sending)
        if refusal is not None:
            return await _delivery(access, endpoint_id, delivery_id, refusal)
        return redirect_to(access, f"/webhooks/{endpoint_id}", done=translate("The event is sent again"))

    @post([f"{path}/skip" for path in _DELIVERY], opt=_WRITE, include_in_schema=False)
    async def skip_webhook_delivery_page(
        access: OpenAccess, endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID]
    ) -> Response[Any]:
        skipping = deliveries.skip_delivery(access.session, endpoint_id, delivery_id, now=access.now)
        refusal = await run_action(access.session, skipping)
        if refusal is not None:
            return await _delivery(access, endpoint_id, delivery_id, refusal)
        return redirect_to(access, f"/webhooks/{endpoint_id}", done=translate("Event skipped"))

    return [webhook_delivery_page, replay_webhook_delivery_page, skip_webhook_delivery_page]


async def _after(access: Access, endpoint_id: UUID, refusal: DomainError | None, done: str) -> Response[Any]:
    if refusal is not None:
        return await _endpoint(access, endpoint_id, DELIVERIES.parse({}), refusal)
    return redirect_to(access, f"/webhooks/{endpoint_id}", done=done)


async def _endpoint(
    access: Access, endpoint_id: UUID, listed: ListInput, refusal: DomainError | None = None, *, secret: str = ""
) -> Response[Any]:
    """Render an endpoint. `secret` is a new one, shown this once."""
    view = await read_endpoint(access.session, endpoint_id, now=access.now)
    found = await load_page(access, DELIVERIES, listed, endpoint_id=endpoint_id)
    address = f"{access.root}/webhooks/{endpoint_id}"
    context = {
        "endpoint": view,
        "secret": secret,
        "refused": refusal,
        "reasons": _REASONS,
        "pause_days": AUTO_PAUSE_AFTER.days,
        "listed": list_view(DELIVERIES, listed, found, address, export=f"{address}/deliveries"),
    }
    title = view.description or view.url
    return render_page(access, "webhooks/endpoint.html", title, context, refusal=refusal or listed.refusal)


async def _delivery(
    access: Access, endpoint_id: UUID, delivery_id: UUID, refusal: DomainError | None = None
) -> Response[Any]:
    found = await read_delivery(access.session, endpoint_id, delivery_id)
    body = msgspec.json.format(msgspec.json.encode(found.body), indent=2).decode()
    context = {
        "endpoint": await read_endpoint(access.session, endpoint_id, now=access.now),
        "found": found,
        "body": body,
        "refused": refusal,
    }
    return render_page(access, "webhooks/delivery.html", found.delivery.event_type, context, refusal=refusal)


def _form(
    access: Access,
    services: WebhookServices,
    typed: Typed,
    refusal: DomainError | None = None,
    *,
    endpoint_id: UUID | None = None,
) -> Response[Any]:
    field = str(refusal.extra.get("field", "")) if refusal is not None else ""
    context = {
        "typed": typed,
        "event_types": list_event_types(services),
        "endpoint_id": endpoint_id,
        "errors": {field: refusal.detail} if refusal is not None and field else {},
        "refused": refusal if not field else None,
    }
    title = translate("Edit the webhook") if endpoint_id else translate("New webhook")
    return render_page(access, "webhooks/form.html", title, context, refusal=refusal)


async def _read_form(request: AnyRequest) -> Typed:
    form = await request.form()
    return Typed(
        url=str(form.get("url", "")).strip(),
        description=str(form.get("description", "")).strip(),
        event_types=[str(name) for name in form.getall("event_types", [])],
        revision=_whole(form.get("revision", "")),
    )


def _whole(typed: object) -> int:
    text = str(typed)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _day(typed: object) -> datetime:
    """The beginning of a day in UTC. Raises InvalidInput."""
    try:
        return datetime.strptime(str(typed), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidInput(N_("Enter both days, such as 2026-11-29."), field="since") from None
