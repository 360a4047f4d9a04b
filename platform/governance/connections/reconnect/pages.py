"""Pages of reconnect links: creating and withdrawing one, and the public page that it opens."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Template

from branding.brand import Brand
from branding.pages import ShownBrand
from connectors.connections import get_connection
from connectors.probe import LABELS, ConnectionTestFailed
from connectors.reconnect_links import (
    ReconnectLinkNotValid,
    create_reconnect_link,
    find_reconnect_link,
    list_asked_fields,
    parse_token,
    revoke_reconnect_link,
)
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.render import redirect_to
from foundation.web.requests import PUBLIC_FORM_BYTES
from governance.connections.reconnect.renew import (
    PATH,
    AskedCredentials,
    OpenedLink,
    preview_reconnect,
    renew_credentials,
)
from governance.connections.settings.forms import SECRET, clean_form
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.auth.csrf import FIELD
from tenants.auth.pages import AnyRequest, OpenAuth, address_of, form_text, msp_of, render_form, require_own_form
from tenants.auth.services import AuthServices
from tenants.auth.step_up import STEP_UP
from tenants.secrets import new_secret
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of

_CONFIGURE: Final = {"permission": GovernancePermission.CONFIGURE_CONNECTIONS}
_PUBLIC: Final = {"public": True}
_ONE: Final = "/clients/{client:str}/connections/{connection_id:uuid}/reconnect-link"


def build_reconnect_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    return (*_build_links(services), *_build_renewal(services))


def _build_links(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @get(_ONE, name="reconnect_link", opt=_CONFIGURE, include_in_schema=False)
    async def show_reconnect_link_page(access: OpenAccess, connection_id: FromPath[UUID]) -> Response[Any]:
        return await _link_page(access, services, connection_id)

    @post(_ONE, opt=_CONFIGURE | STEP_UP, include_in_schema=False, status_code=200)
    async def create_reconnect_link_page(
        request: AnyRequest, access: OpenAccess, connection_id: FromPath[UUID]
    ) -> Response[Any]:
        """Respond with the page instead of a redirect, because the link is shown only once."""
        made: list[str] = []

        async def create() -> None:
            token, _ = await create_reconnect_link(
                access.session, services.runtime, connection_id, new_secret=new_secret, now=access.now
            )
            made.append(f"{portal_of(request, access.brand).origin}{PATH}/{token}")

        refusal = await run_action(access.session, create())
        return await _link_page(access, services, connection_id, refusal, link="" if refusal else made[0])

    @post(f"{_ONE}/revoke", opt=_CONFIGURE, include_in_schema=False)
    async def revoke_reconnect_link_page(access: OpenAccess, connection_id: FromPath[UUID]) -> Response[Any]:
        revoking = revoke_reconnect_link(access.session, connection_id, now=access.now)
        refusal = await run_action(access.session, revoking)
        if refusal is not None:
            return await _link_page(access, services, connection_id, refusal)
        done = translate("The link is withdrawn")
        return redirect_to(access, f"/connections/{connection_id}/reconnect-link", done=done)

    return (show_reconnect_link_page, create_reconnect_link_page, revoke_reconnect_link_page)


def _build_renewal(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @get(f"{PATH}/{{token:str}}", name="reconnect", opt=_PUBLIC, include_in_schema=False)
    async def show_reconnect_page(
        request: AnyRequest, token: FromPath[str], brand: ShownBrand, auth: OpenAuth
    ) -> Response[Any]:
        """Target of the link. GET does not use it up: mail scanners open every link."""
        asked = await preview_reconnect(auth, services.runtime, _opened(request, brand, token), brand)
        return _form(request, auth, token, asked, {})

    @post(f"{PATH}/{{token:str}}", opt=_PUBLIC, include_in_schema=False, request_max_body_size=PUBLIC_FORM_BYTES,
          status_code=200)  # fmt: skip
    async def submit_reconnect_page(
        request: AnyRequest, token: FromPath[str], brand: ShownBrand, auth: OpenAuth
    ) -> Response[Any]:
        link, form = _opened(request, brand, token), await request.form()
        asked, typed = await preview_reconnect(auth, services.runtime, link, brand), clean_form(form.items())
        secrets = {field.name: typed.get(f"{SECRET}{field.name}", "") for field in asked.fields}
        expire_on = typed.get("credentials_expire_on", "")
        try:
            require_own_form(request, form_text(form, FIELD))
            await renew_credentials(auth, services.runtime, link, secrets, expire_on=expire_on)
        except ReconnectLinkNotValid:
            raise
        except DomainError as refusal:
            return _form(request, auth, token, asked, {"expire_on": expire_on}, refusal=refusal)
        return _form(request, auth, token, asked, {}, saved=True)

    return (show_reconnect_page, submit_reconnect_page)


def _opened(request: AnyRequest, brand: Brand, token: str) -> OpenedLink:
    """Raises ReconnectLinkNotValid."""
    return OpenedLink(msp_of(brand), parse_token(token), address_of(request))


def _form(  # noqa: PLR0913 - the parts of one form
    request: AnyRequest,
    auth: AuthServices,
    token: str,
    asked: AskedCredentials,
    typed: Mapping[str, str],
    *,
    refusal: DomainError | None = None,
    saved: bool = False,
) -> Template:
    field = str(refusal.extra.get("field", "")) if refusal is not None else ""
    context = {
        "template": "governance/reconnect.html",
        "title": translate("Renew credentials"),
        "action": f"{PATH}/{token}",
        "asked": asked,
        "secret": SECRET,
        "typed": typed,
        "errors": {field: refusal.detail} if refusal is not None and field else {},
        "heading": translate(LABELS[refusal.result.outcome]) if isinstance(refusal, ConnectionTestFailed) else "",
        "found": refusal.result.detail if isinstance(refusal, ConnectionTestFailed) else "",
        "saved": saved,
    }
    return render_form(request, asked.brand, auth, context, refusal=refusal)


async def _link_page(
    access: Access,
    services: GovernanceServices,
    connection_id: UUID,
    refusal: DomainError | None = None,
    *,
    link: str = "",
) -> Response[Any]:
    """The state of a connection's link. `link` is a new one, shown this once."""
    found = await get_connection(access.session, connection_id)
    connector = services.runtime.registry.get(found.kind)
    context = {
        "connection": found.name,
        "connection_id": connection_id,
        "asked": list_asked_fields(connector) if connector is not None else [],
        "open": await find_reconnect_link(access.session, connection_id, now=access.now),
        "link": link,
        "refused": refusal,
    }
    return render_page(access, "reconnect_link.html", translate("Reconnect link"), context, refusal=refusal)
