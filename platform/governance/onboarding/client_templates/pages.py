"""Pages of an MSP's templates: the list, one template with its versions, and the clients that follow them."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.errors import Conflict, DomainError, NotFound
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.etags import version_in
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from foundation.web.render import redirect_to
from governance.onboarding.client_templates.content import TemplateContent
from governance.onboarding.client_templates.from_client import list_clients, read_content
from governance.onboarding.client_templates.items.pages import build_template_item_pages
from governance.onboarding.client_templates.lists import CLIENT_TEMPLATES, TEMPLATE_CLIENTS
from governance.onboarding.client_templates.rights import readable_parts, require_billing_rights
from governance.onboarding.client_templates.save import create_template, save_version
from governance.onboarding.client_templates.store import list_versions, load_version
from governance.onboarding.client_templates.version_check import require_newest
from governance.onboarding.client_templates.views import write_content
from governance.onboarding.permissions import OnboardingPermission
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
Typed = Mapping[str, str]
_READ: Final = {"permission": OnboardingPermission.READ_TEMPLATES}
_FLEET: Final = {**_READ, "fleet": True}
_WRITE: Final = {"permission": OnboardingPermission.WRITE_TEMPLATES}
_ROOT: Final = "/templates"
_CLIENTS: Final = f"{_ROOT}/clients"
_ONE: Final = f"{_ROOT}/{{template_id:uuid}}"


@get(_ROOT, name="templates", opt=_FLEET, dependencies=CLIENT_TEMPLATES.page_parameters, include_in_schema=False)
async def list_templates_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, CLIENT_TEMPLATES, listed)
    context = {"listed": list_view(CLIENT_TEMPLATES, listed, found, _ROOT)}
    return render_page(access, "client_templates.html", translate("Client templates"), context, refusal=listed.refusal)


@get(_CLIENTS, opt=_FLEET, dependencies=TEMPLATE_CLIENTS.page_parameters, include_in_schema=False)
async def list_template_clients_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, TEMPLATE_CLIENTS, listed)
    context = {"listed": list_view(TEMPLATE_CLIENTS, listed, found, _CLIENTS)}
    title = translate("Clients by template")
    return render_page(access, "template_clients.html", title, context, refusal=listed.refusal)


@get(f"{_ROOT}/new", opt=_WRITE, include_in_schema=False)
async def new_template_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    return await _new(access, {"client": str(request.query_params.get("client", ""))})


@get(_ONE, opt=_READ, include_in_schema=False)
async def show_template_page(request: AnyRequest, access: OpenAccess, template_id: FromPath[UUID]) -> Response[Any]:
    return await _template(access, template_id, version=_version_in(str(request.query_params.get("version", ""))))


@post(_ONE, opt=_WRITE, include_in_schema=False)
async def save_template_page(request: AnyRequest, access: OpenAccess, template_id: FromPath[UUID]) -> Response[Any]:
    """Save the next version: a client's content, or the newest version with one item more or less."""
    typed = {name: str(value).strip() for name, value in (await request.form()).items()}
    try:
        await require_newest(access.session, template_id, version_in(typed))
        newest = await load_version(access.session, template_id)
        content = await _edited(access, newest.content, typed)
        require_billing_rights(access, content, newest.content)
    except NotFound:
        raise
    except DomainError as wrong:
        return await _template(access, template_id, refusal=wrong, typed=typed)
    saving = save_version(access.session, template_id, content, note=typed.get("note", ""), now=access.now)
    refusal = await run_action(access.session, saving)
    if refusal is not None:
        return await _template(access, template_id, refusal=refusal, typed=typed)
    return redirect_to(access, f"{_ROOT}/{template_id}", done=translate("New version saved"))


def build_template_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(f"{_ROOT}/new", opt=_WRITE, include_in_schema=False)
    async def create_template_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        typed = {name: str(value).strip() for name, value in (await request.form()).items()}
        slug = typed.get("client", "")
        content = await read_content(access, slug) if slug else TemplateContent()
        template_id = services.new_id()
        creating = create_template(
            access.session, name=typed.get("name", ""), content=content, note=typed.get("note", ""),
            now=access.now, new_id=lambda: template_id,
        )  # fmt: skip
        refusal = await run_action(access.session, creating)
        if refusal is not None:
            return await _new(access, typed, refusal)
        return redirect_to(access, f"{_ROOT}/{template_id}", done=translate("Template saved"))

    return (
        list_templates_page, export_page(CLIENT_TEMPLATES, _ROOT, opt=_FLEET), list_template_clients_page,
        export_page(TEMPLATE_CLIENTS, _CLIENTS, opt=_FLEET), new_template_page, create_template_page,
        show_template_page, save_template_page, *build_template_item_pages(services),
    )  # fmt: skip


async def _edited(access: Access, newest: TemplateContent, typed: Typed) -> TemplateContent:
    """Raises: NotFound. Conflict: the item is not in the newest version any more."""
    if slug := typed.get("client", ""):
        return await read_content(access, slug)
    if typed.get("remove", "") not in newest.keys:
        raise Conflict(N_("The newest version has no such item. Read it again."))
    return newest.without(typed["remove"])


def _version_in(text: str) -> int | None:
    """Raises NotFound."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise NotFound
    return int(text)


async def _new(access: Access, typed: Typed, refusal: DomainError | None = None) -> Response[Any]:
    await access.enter_fleet()
    clients = await list_clients(access.session)
    await access.enter_home()
    context = {
        "typed": typed,
        "clients": [("", translate(N_("None: begin with an empty template"))), *clients],
        "error": "" if refusal is None else refusal.detail,
    }
    return render_page(access, "client_template_new.html", translate("New template"), context, refusal=refusal)


async def _template(
    access: Access,
    template_id: UUID,
    *,
    version: int | None = None,
    refusal: DomainError | None = None,
    typed: Typed | None = None,
) -> Response[Any]:
    shown = await load_version(access.session, template_id, version)
    versions = await list_versions(access.session, template_id)
    parts = readable_parts(access, await write_content(access.session, shown.content))
    await access.enter_fleet()
    clients = await list_clients(access.session)
    await access.enter_home()
    context = {
        "template": shown, "parts": parts, "versions": versions, "clients": [("", ""), *clients],
        "typed": typed or {}, "based_on": version_in(typed or {}) or str(shown.latest), "refused": refusal,
        "here": f"{_ROOT}/{template_id}", "is_newest": shown.version == shown.latest,
    }  # fmt: skip
    return render_page(access, "client_template.html", shown.name, context, refusal=refusal)
