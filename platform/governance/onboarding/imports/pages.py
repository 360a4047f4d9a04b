"""Page of the import of clients: the file, its preview, and the progress of the latest import."""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from foundation.errors import DomainError, NotFound
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.web.actions import run_action
from foundation.web.fragments import FRAGMENT
from foundation.web.render import redirect_to
from governance.onboarding.imports.imports import load_latest_import, preview_import, start_import
from governance.onboarding.imports.parse import MOST_ROWS, OPTIONAL, REQUIRED
from governance.onboarding.imports.schemas import ImportPreview, ImportView
from governance.web.render import render_page
from tenants.access import Access
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_CREATE: Final = {"permission": TenantPermission.CREATE_CLIENT}
_ROOT: Final = "/client-import"


@get(_ROOT, name="client-import", opt=_CREATE, include_in_schema=False)
async def show_import_page(access: OpenAccess) -> Response[Any]:
    return _page(access, await _latest(access))


@get(f"{_ROOT}/progress", opt=_CREATE | FRAGMENT, include_in_schema=False)
async def show_import_fragment(access: OpenAccess) -> Response[Any]:
    context = {"latest": await _latest(access)}
    return render_page(access, "client_import_progress.html", translate("Import clients"), context)


@post(_ROOT, opt=_CREATE, include_in_schema=False, status_code=200)
async def import_clients_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    """Preview the file, or create its clients."""
    form = await request.form()
    csv, preview = str(form.get("csv", "")), None
    latest = await _latest(access)
    if form.get("action") == "create":
        starting = start_import(access.session, csv, now=access.now, import_id=new_id())
        refusal = await run_action(access.session, starting)
        if refusal is None:
            return redirect_to(access, _ROOT, done=translate("Import started"))
        return _page(access, latest, csv=csv, refusal=refusal)
    refusal = None
    await access.enter_fleet()
    try:
        preview = await preview_import(access.session, csv)
    except DomainError as wrong:
        refusal = wrong
    return _page(access, latest, csv=csv, preview=preview, refusal=refusal)


async def _latest(access: Access) -> ImportView | None:
    try:
        return await load_latest_import(access.session)
    except NotFound:
        return None


def _page(
    access: Access,
    latest: ImportView | None,
    *,
    csv: str = "",
    preview: ImportPreview | None = None,
    refusal: DomainError | None = None,
) -> Response[Any]:
    context = {
        "latest": latest,
        "csv": csv,
        "preview": preview,
        "csv_error": "" if refusal is None else refusal.detail,
        "columns": ", ".join(REQUIRED),
        "more_columns": ", ".join(OPTIONAL),
        "most": MOST_ROWS,
    }
    return render_page(access, "client_import.html", translate("Import clients"), context, refusal=refusal)


IMPORT_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (show_import_page, show_import_fragment, import_clients_page)
