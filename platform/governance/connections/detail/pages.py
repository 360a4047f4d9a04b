"""The page of one connection: health and its history, settings, credentials, webhooks; pause, new secret, deletion."""

from collections.abc import Awaitable
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from branding.hosts import public_origin
from connectors.poll_now import poll_now
from connectors.probe import LABELS
from connectors.reconnect_links import list_asked_fields
from foundation.database.savepoint import savepoint
from foundation.errors import DomainError, InvalidInput, NotFound
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.etags import revision_in
from foundation.web.fragments import FRAGMENT
from foundation.web.render import redirect_to
from governance.connections import pause
from governance.connections.delete_connection import delete_connection, preview_deletion
from governance.connections.details import hook_credential, list_health_spells, load_detail
from governance.connections.lists import CONNECTIONS
from governance.connections.pages import render_list
from governance.connections.queries import MANY, is_in_onboarding, load_connection
from governance.connections.settings.pages import AnyRequest, read_form
from governance.connections.webhook_secret import renew_hook_secret
from governance.elements.selector_labels import write_selector
from governance.messages.writer import write_reason
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.partners.manage import list_partners
from tenants.secrets import new_secret
from tenants.web.dependencies import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_CONNECTIONS}
_WRITE: Final = {"permission": GovernancePermission.WRITE_CONNECTIONS}
_CONFIGURE: Final = {"permission": GovernancePermission.CONFIGURE_CONNECTIONS}
_ONE: Final = "/clients/{client:str}/connections/{connection_id:uuid}"
WEBHOOK_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


def build_detail_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    return (*_build_detail(services), *_build_deletion())


def _build_detail(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @get(_ONE, name="connection", opt=_READ, include_in_schema=False)
    async def show_connection_page(
        request: AnyRequest, access: OpenAccess, connection_id: FromPath[UUID]
    ) -> Response[Any]:
        return await render_connection(request, access, services, connection_id)

    @get(f"{_ONE}/heard", opt=_READ | FRAGMENT, include_in_schema=False)
    async def show_heard_fragment(access: OpenAccess, connection_id: FromPath[UUID]) -> Response[Any]:
        one = await load_connection(access.session, connection_id)
        return render_page(access, "connection_heard.html", one.name, {"one": one})

    @post(f"{_ONE}/webhook-secret", opt=_WRITE | STEP_UP, include_in_schema=False, status_code=200)
    async def renew_webhook_secret_page(
        request: AnyRequest, access: OpenAccess, connection_id: FromPath[UUID]
    ) -> Response[Any]:
        """Respond with the page instead of a redirect, because the secret is shown only once."""
        made: list[str] = []

        async def renew() -> None:
            made.append(
                await renew_hook_secret(
                    access.session, services.runtime, connection_id, new_secret=new_secret, now=access.now
                )
            )

        refusal = await run_action(access.session, renew())
        return await render_connection(
            request, access, services, connection_id, refusal, secret=None if refusal else made[0]
        )

    @post(f"{_ONE}/pause", opt=_WRITE, include_in_schema=False)
    async def pause_connection_page(
        request: AnyRequest, access: OpenAccess, connection_id: FromPath[UUID]
    ) -> Response[Any]:
        act = pause.pause_connection(access.session, connection_id, now=access.now)
        return await _act(request, access, connection_id, act, translate("Connection paused"))

    @post(f"{_ONE}/resume", opt=_WRITE, include_in_schema=False)
    async def resume_connection_page(
        request: AnyRequest, access: OpenAccess, connection_id: FromPath[UUID]
    ) -> Response[Any]:
        act = pause.resume_connection(access.session, connection_id, now=access.now)
        return await _act(request, access, connection_id, act, translate("Connection resumed"))

    @post(f"{_ONE}/poll", opt=_WRITE, include_in_schema=False)
    async def poll_connection_page(
        request: AnyRequest, access: OpenAccess, connection_id: FromPath[UUID]
    ) -> Response[Any]:
        polling = poll_now(access.session, services.runtime, connection_id, now=access.now)
        refusal = await run_action(access.session, polling)
        if refusal is not None:
            return await render_connection(request, access, services, connection_id, refusal)
        done = translate("The system is read now. What it reports is processed in a moment.")
        return redirect_to(access, f"/connections/{connection_id}", done=done)

    return (
        show_connection_page, show_heard_fragment, renew_webhook_secret_page, pause_connection_page,
        resume_connection_page, poll_connection_page,
    )  # fmt: skip


def _build_deletion() -> tuple[HTTPRouteHandler, ...]:
    @get(f"{_ONE}/delete", opt=_CONFIGURE, include_in_schema=False)
    async def preview_deletion_page(access: OpenAccess, connection_id: FromPath[UUID]) -> Response[Any]:
        return await _deletion(access, connection_id)

    @post(f"{_ONE}/delete", opt=_CONFIGURE | STEP_UP, include_in_schema=False)
    async def remove_connection_page(
        request: AnyRequest, access: OpenAccess, connection_id: FromPath[UUID]
    ) -> Response[Any]:
        typed = await read_form(request)
        try:
            async with savepoint(access.session):
                preview = await preview_deletion(access.session, connection_id)
                if typed.get("name", "") != preview.name:
                    raise InvalidInput(N_("Type the name of the connection exactly as it is shown."), field="name")
                await delete_connection(access.session, connection_id, revision=revision_in(typed), now=access.now)
        except NotFound:
            raise
        except DomainError as refusal:
            return await _deletion(access, connection_id, refusal, typed=typed.get("name", ""))
        return redirect_to(access, "/connections", done=translate("Connection deleted"))

    return (preview_deletion_page, remove_connection_page)


async def _act(
    request: AnyRequest, access: Access, connection_id: UUID, act: Awaitable[None], done: str
) -> Response[Any]:
    """Redirect to the page that the button was on: the list, or the connection's own."""
    refusal = await run_action(access.session, act)
    if refusal is not None:
        return await render_list(access, CONNECTIONS.parse({}), refusal)
    is_own = (await request.form()).get("at") == "connection"
    return redirect_to(access, f"/connections/{connection_id}" if is_own else "/connections", done=done)


async def render_connection(  # noqa: PLR0913 - the parts of one page
    request: AnyRequest,
    access: Access,
    services: GovernanceServices,
    connection_id: UUID,
    refusal: DomainError | None = None,
    *,
    secret: str | None = None,
) -> Response[Any]:
    """The connection's page. `secret` is a new webhook secret, shown this once."""
    session = access.session
    detail = await load_detail(session, services.runtime.registry, connection_id)
    partners = {one.id: one.name for one in await list_partners(session)} if detail.partner_id else {}
    context = {
        "detail": detail,
        "one": await load_connection(session, connection_id),
        "fields": services.runtime.registry[detail.kind].manifest.settings,
        "partner": partners.get(detail.partner_id, "") if detail.partner_id else "",
        "spells": await list_health_spells(session, connection_id),
        "hook_address": f"{public_origin(request.scope)}{detail.webhook_path}" if detail.webhook_path else "",
        "hook_headers": WEBHOOK_HEADERS,
        "hook": hook_credential(detail),
        "days_left": (detail.credentials_expire_on - access.now.date()).days if detail.credentials_expire_on else None,
        "asks": list_asked_fields(services.runtime.registry[detail.kind]),
        "secret": secret,
        "many": MANY,
        "refused": refusal,
        "tested": None,
        "test_refusal": None,
        "test_labels": LABELS,
        "reason": write_reason,
        "is_polled": services.runtime.registry[detail.kind].poll is not None,
        "in_onboarding": await is_in_onboarding(session),
    }
    return render_page(access, "connection.html", detail.name, context, refusal=refusal)


async def _deletion(
    access: Access, connection_id: UUID, refusal: DomainError | None = None, *, typed: str = ""
) -> Response[Any]:
    preview = await preview_deletion(access.session, connection_id)
    about_name = refusal is not None and refusal.extra.get("field") == "name"
    context = {
        "preview": preview,
        "connection_id": connection_id,
        "selector": write_selector,
        "many": MANY,
        "typed": typed,
        "name_error": refusal.detail if refusal is not None and about_name else "",
        "refused": None if about_name else refusal,
    }
    title = translate("Delete {name}", name=preview.name)
    return render_page(access, "connection_delete.html", title, context, refusal=refusal)
