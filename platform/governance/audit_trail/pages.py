"""Page of the audit trail. Verification reads the complete chain, so it runs only on request."""

from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from foundation.audit.chain import verify_chain
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from governance.audit_trail.formatter import find_ids, format_entry
from governance.audit_trail.lists import AUDIT_ENTRIES
from governance.audit_trail.queries import load_names
from governance.permissions import GovernancePermission
from governance.web.render import render_page
from tenants.routes import OpenAccess
from tenants.web.lists import export_page, load_page

_READ: Final = {"permission": GovernancePermission.READ_AUDIT}
_ROOT: Final = "/clients/{client:str}/audit"


@get(_ROOT, name="audit", opt=_READ, dependencies=AUDIT_ENTRIES.page_parameters, include_in_schema=False)
async def audit(access: OpenAccess, listed: ListParameters, verify: FromQuery[str] = "") -> Response[Any]:
    found = await load_page(access, AUDIT_ENTRIES, listed)
    names = await load_names(access.session, find_ids(found.items))
    page = found.map(lambda entry: format_entry(entry, names))
    context = {
        "listed": list_view(AUDIT_ENTRIES, listed, page, f"{access.root}/audit"),
        "verdict": await verify_chain(access.session) if verify else None,
    }
    return render_page(access, "audit.html", "Audit", context, refusal=listed.refusal)


AUDIT_EXPORT: Final = export_page(AUDIT_ENTRIES, _ROOT, opt=_READ)
TRAIL_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (audit, AUDIT_EXPORT)
