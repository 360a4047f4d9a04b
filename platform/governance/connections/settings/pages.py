"""Pages that add, test and change a connection: the catalogue of connectors and the form generated from a connector's
fields.
"""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from connectors.add_connection import add_connection, probe_new_connection
from connectors.change_connection import probe_connection
from connectors.connection_input import ConnectionChanges
from connectors.manifest import Manifest
from connectors.probe import LABELS, ConnectionTestFailed, ProbeResult
from foundation.database.savepoint import savepoint
from foundation.errors import DomainError, NotFound
from foundation.i18n.localizer import translate
from foundation.web.etags import revision_in
from foundation.web.render import redirect_to
from governance.connections.catalogue import list_connectors
from governance.connections.change_settings import change_settings, is_in_use
from governance.connections.details import load_detail
from governance.connections.labels import CATEGORIES, ENVIRONMENTS
from governance.connections.queries import is_in_onboarding
from governance.connections.schemas import ConnectionDetail
from governance.connections.settings.forms import (
    Typed,
    clean_form,
    errors_of,
    new_input,
    new_typed,
    offered_secret,
    to_changes,
    typed_of,
)
from governance.messages.writer import write_reason
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.partners.manage import list_partners
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_CONFIGURE: Final = {"permission": GovernancePermission.CONFIGURE_CONNECTIONS}
_ROOT: Final = "/clients/{client:str}/connections"
_NEW: Final = f"{_ROOT}/new"
_KIND: Final = f"{_NEW}/{{kind:str}}"
_ONE: Final = f"{_ROOT}/{{connection_id:uuid}}"


def build_settings_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    return (*_build_new(services), *_build_edit(services))


def _build_new(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    registry = services.runtime.registry

    @get(_NEW, opt=_CONFIGURE, include_in_schema=False)
    async def list_connectors_page(access: OpenAccess) -> Response[Any]:
        context = {"connectors": list_connectors(registry), "categories": CATEGORIES}
        return render_page(access, "connection_catalogue.html", translate("Add a connection"), context)

    @get(_KIND, opt=_CONFIGURE, include_in_schema=False)
    async def new_connection_page(access: OpenAccess, kind: FromPath[str]) -> Response[Any]:
        return await _form(access, manifest_of(services, kind), new_typed(manifest_of(services, kind)))

    @post(_KIND, opt=_CONFIGURE, include_in_schema=False)
    async def create_connection_page(request: AnyRequest, access: OpenAccess, kind: FromPath[str]) -> Response[Any]:
        manifest, typed = manifest_of(services, kind), await read_form(request)
        try:
            async with savepoint(access.session):
                connection_id = await add_connection(
                    access.session, services.runtime, new_input(kind, typed), now=access.now, new_id=services.new_id
                )
        except DomainError as refusal:
            return await _form(access, manifest, typed, refusal)
        return redirect_to(access, f"/connections/{connection_id}", done=translate("Connection added"))

    @post(f"{_KIND}/test", opt=_CONFIGURE, include_in_schema=False, status_code=200)
    async def test_new_connection_page(request: AnyRequest, access: OpenAccess, kind: FromPath[str]) -> Response[Any]:
        manifest, typed = manifest_of(services, kind), await read_form(request)
        try:
            result = await probe_new_connection(
                access.session, services.runtime, new_input(kind, typed), now=access.now
            )
        except DomainError as refusal:
            return await _tested(access, request, manifest, typed, refusal=refusal)
        return await _tested(access, request, manifest, typed, result)

    return (list_connectors_page, new_connection_page, create_connection_page, test_new_connection_page)


def _build_edit(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    registry = services.runtime.registry

    @get(f"{_ONE}/edit", opt=_CONFIGURE, include_in_schema=False)
    async def edit_connection_page(access: OpenAccess, connection_id: FromPath[UUID]) -> Response[Any]:
        detail = await load_detail(access.session, registry, connection_id)
        return await _form(access, registry[detail.kind].manifest, typed_of(detail), detail=detail)

    @post(f"{_ONE}/edit", opt=_CONFIGURE | STEP_UP, include_in_schema=False)
    async def save_connection_page(
        request: AnyRequest, access: OpenAccess, connection_id: FromPath[UUID]
    ) -> Response[Any]:
        detail, typed = await load_detail(access.session, registry, connection_id), await read_form(request)
        try:
            async with savepoint(access.session):
                await change_settings(
                    access.session, services.runtime, connection_id, to_changes(typed),
                    revision=revision_in(typed), now=access.now,
                )  # fmt: skip
        except NotFound:
            raise
        except DomainError as refusal:
            return await _form(access, registry[detail.kind].manifest, typed, refusal, detail=detail)
        return redirect_to(access, f"/connections/{connection_id}", done=translate("Saved"))

    @post(f"{_ONE}/test", opt=_CONFIGURE, include_in_schema=False, status_code=200)
    async def test_connection_page(
        request: AnyRequest, access: OpenAccess, connection_id: FromPath[UUID]
    ) -> Response[Any]:
        """Test the form's input; from the connection's page, the stored settings."""
        detail, typed = await load_detail(access.session, registry, connection_id), await read_form(request)
        manifest = registry[detail.kind].manifest
        try:
            changes = to_changes(typed) if "name" in typed else ConnectionChanges()
            result = await probe_connection(
                access.session, services.runtime, connection_id, changes, now=access.now, preview=True
            )
        except NotFound:
            raise
        except DomainError as refusal:
            return await _tested(access, request, manifest, typed, refusal=refusal, detail=detail)
        return await _tested(access, request, manifest, typed, result, detail=detail)

    return (edit_connection_page, save_connection_page, test_connection_page)


async def read_form(request: AnyRequest) -> dict[str, str]:
    return clean_form((await request.form()).items())


def manifest_of(services: GovernanceServices, kind: str) -> Manifest:
    """Raises NotFound."""
    if kind not in services.runtime.registry:
        raise NotFound
    return services.runtime.registry[kind].manifest


async def _tested(  # noqa: PLR0913 - the parts of one answer
    access: Access,
    request: AnyRequest,
    manifest: Manifest,
    typed: Typed,
    result: ProbeResult | None = None,
    *,
    refusal: DomainError | None = None,
    detail: ConnectionDetail | None = None,
) -> Response[Any]:
    """Response with the result of a test. A script gets only the result, so that typed credentials stay in the form;
    other requests get the form with the result.
    """
    if request.headers.get("hx-request") and not request.headers.get("hx-boosted"):
        context = {"tested": result, "test_refusal": refusal, "test_labels": LABELS, "reason": write_reason}
        return render_page(access, "connection_test.html", translate("Test"), context)
    shown = typed if "name" in typed or detail is None else typed_of(detail)
    return await _form(access, manifest, shown, refusal, detail=detail, tested=result)


async def _form(  # noqa: PLR0913 - the parts of one page
    access: Access,
    manifest: Manifest,
    typed: Typed,
    refusal: DomainError | None = None,
    *,
    detail: ConnectionDetail | None = None,
    tested: ProbeResult | None = None,
) -> Response[Any]:
    errors = errors_of(manifest, refusal)
    if isinstance(refusal, ConnectionTestFailed):
        errors, tested = {}, refusal.result
    partners = await list_partners(access.session)
    context = {
        "connector": manifest,
        "fields": manifest.fields,
        "typed": typed,
        "offered": offered_secret(manifest, typed) if detail is None else "",
        "errors": errors,
        "tested": tested,
        "test_refusal": None,
        "test_labels": LABELS,
        "reason": write_reason,
        "failed_save": isinstance(refusal, ConnectionTestFailed),
        "summary": [(name, sentence) for name, sentence in errors.items() if name],
        "refused": refusal if "" in errors else None,
        "environments": [(value, translate(label)) for value, label in ENVIRONMENTS.items()],
        "partners": [
            ("", translate("None")),
            *((str(p.id), p.name) for p in partners),
        ],
        "detail": detail,
        "stored": {} if detail is None else {one.name: one for one in detail.credentials},
        "in_onboarding": await is_in_onboarding(access.session),
        "is_in_use": detail is not None and await is_in_use(access.session, detail.id),
    }
    title = (
        translate("Edit {name}", name=detail.name) if detail else translate("Connect {system}", system=manifest.title)
    )
    return render_page(access, "connection_form.html", title, context, refusal=refusal)
