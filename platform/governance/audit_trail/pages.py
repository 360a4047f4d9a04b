"""Page of the audit trail. Verification reads the complete chain, so it runs only on request."""

from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from foundation.audit.chain import verify_chain
from foundation.web.actions import try_list
from governance.audit_trail.formatter import find_ids, format_entry
from governance.audit_trail.queries import KINDS, list_entries, load_names
from governance.audit_trail.schemas import EntryPage
from governance.permissions import GovernancePermission
from governance.web.render import render_page
from tenants.routes import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_AUDIT}


@get("/clients/{client:str}/audit", name="audit", opt=_READ, include_in_schema=False)
async def audit(
    access: OpenAccess,
    subject: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    cursor: FromQuery[int | None] = None,
    verify: FromQuery[str] = "",
) -> Response[Any]:
    listing = list_entries(access.session, subject=subject, kind=kind, cursor=cursor)
    found, refusal = await try_list(access.session, listing, EntryPage([]))
    names = await load_names(access.session, find_ids(found.items))
    context = {
        "told": [format_entry(entry, names) for entry in found.items],
        "next_cursor": found.next_cursor,
        "subject": subject,
        "chosen": kind,
        "kinds": [("", "All entries"), *((name, name.capitalize()) for name in KINDS)],
        "cursor": cursor,
        "verdict": await verify_chain(access.session) if verify else None,
    }
    return render_page(access, "audit.html", "Audit", context, refusal=refusal)


TRAIL_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (audit,)
