"""Pages that create a client and change its details."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from foundation.database.engine import Database
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.etags import revision_in
from foundation.web.render import redirect_to
from governance.connections.labels import ENVIRONMENTS
from governance.onboarding.client_templates.store import StoredVersion, list_options, load_version
from governance.onboarding.clients.forms import (
    Typed,
    clean_form,
    error_of,
    language_options,
    to_changes,
    to_input,
    typed_of,
    zone_options,
)
from governance.onboarding.create_client import create_client
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.change_client import change_client
from tenants.models import Client
from tenants.permissions import TenantPermission
from tenants.principal import home_scope
from tenants.states import Environment
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
Options = Sequence[tuple[str, str]]
_CREATE: Final = {"permission": TenantPermission.CREATE_CLIENT}
_READ: Final = {"permission": TenantPermission.READ_CLIENTS}
_NEW: Final = "/clients/new"
_DETAILS: Final = "/clients/{client:str}/details"


def build_client_pages(db: Database, services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(_NEW, opt=_CREATE, include_in_schema=False)
    async def create_client_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        typed = clean_form((await request.form()).items())
        scope = home_scope(access.principal).for_tenant(services.new_id())
        options = await list_options(access.session)
        try:
            template = await _template(access, typed, options)
            client = await create_client(
                db, scope, to_input(typed), clock=services.clock, new_id=services.new_id, template=template,
                holds_values=True,
            )  # fmt: skip
        except DomainError as refusal:
            return _form(access, typed, refusal, templates=options)
        return redirect_to(access, f"/clients/{client.slug}/onboarding", done=translate("Client created"))

    return (new_client_page, create_client_page, show_client_page, save_client_page)


@get(_NEW, name="new-client", opt=_CREATE, include_in_schema=False)
async def new_client_page(access: OpenAccess) -> Response[Any]:
    return _form(access, {"environment": Environment.LIVE}, templates=await list_options(access.session))


@get(_DETAILS, opt=_READ, include_in_schema=False)
async def show_client_page(access: OpenAccess) -> Response[Any]:
    client = access.require_client()
    return _form(access, typed_of(client), client=client)


@post(_DETAILS, opt=_CREATE, include_in_schema=False)
async def save_client_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    client, typed = access.require_client(), clean_form((await request.form()).items())
    saving = change_client(access.session, to_changes(typed), revision=revision_in(typed), now=access.now)
    refusal = await run_action(access.session, saving)
    if refusal is None:
        return redirect_to(access, "/details", done=translate("Saved"))
    return _form(access, typed, refusal, client=client)


async def _template(access: Access, typed: Typed, options: Options) -> StoredVersion | None:
    """The newest version of the chosen template. Raises InvalidInput."""
    chosen = typed.get("template_id", "")
    if not chosen:
        return None
    if chosen not in dict(options):
        raise InvalidInput(N_("Choose one of the templates."), field="template_id")
    return await load_version(access.session, UUID(chosen))


def _form(
    access: Access,
    typed: Typed,
    refusal: DomainError | None = None,
    *,
    client: Client | None = None,
    templates: Options = (),
) -> Response[Any]:
    errors = error_of(refusal)
    context = {
        "client": client,
        "typed": typed,
        "errors": errors,
        "summary": [(name, sentence) for name, sentence in errors.items() if name],
        "refused": refusal if "" in errors else None,
        "languages": language_options(),
        "zones": zone_options(),
        "environments": [(value, translate(label)) for value, label in ENVIRONMENTS.items()],
        "environment_labels": ENVIRONMENTS,
        "templates": [("", translate(N_("None: every step is set by hand"))), *templates] if templates else [],
    }
    title = translate("Client details") if client else translate("Add a client")
    return render_page(access, "client_form.html", title, context, refusal=refusal)
