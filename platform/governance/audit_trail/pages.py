"""Page of the audit trail. Verification reads the complete chain, so it runs only on request."""

from typing import Annotated, Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from foundation.audit.chain import verify_chain
from foundation.i18n.localizer import translate
from foundation.rooms import Rooms
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from foundation.web.pagination import ResultPage
from foundation.web.parameters import one_of
from governance.audit_trail.filters import audit_filter
from governance.audit_trail.formatter import find_ids, format_group
from governance.audit_trail.groups import list_groups
from governance.audit_trail.lists import build_audit_list
from governance.audit_trail.queries import load_names
from governance.audit_trail.schemas import EntryGroup, GroupPage
from governance.permissions import GovernancePermission
from governance.web.render import render_page
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

_READ: Final = {"permission": GovernancePermission.READ_AUDIT}
_FLAT: Final = "entries"
_ROOT: Final = "/clients/{client:str}/audit"


def build_trail_pages(rooms: Rooms) -> list[HTTPRouteHandler]:
    nouns, labels = rooms.audit_nouns, rooms.audit_labels
    entries = build_audit_list(nouns)

    @get(_ROOT, name="audit", opt=_READ, dependencies=entries.page_parameters, include_in_schema=False)
    async def list_audit_entries_page(
        access: OpenAccess,
        listed: ListParameters,
        show: Annotated[str, one_of(("", _FLAT))] = "",
        place: FromQuery[str] = "",
        verify: Annotated[str, one_of(("", "true", "yes"))] = "",
    ) -> Response[Any]:
        """One row for each change. `show`, a subject and an order list single entries."""
        is_flat = bool(show or listed.query["subject"] or listed.raw.get("cursor") or listed.query.sort.name != "-seq")
        found = await load_page(access, entries, listed) if is_flat else ResultPage[Any]([])
        groups = GroupPage([EntryGroup([entry], 1) for entry in found.items])
        if not is_flat and listed.refusal is None:
            groups = await list_groups(access.session, wanted=audit_filter(listed.query.values, nouns), place=place)
        names = await load_names(access.session, find_ids(entry for group in groups.items for entry in group.entries))
        page = found.with_items([format_group(group, names, labels) for group in groups.items])
        context = {
            "listed": list_view(entries, listed, page, f"{access.root}/audit"),
            "is_flat": is_flat,
            "place": place,
            "next_place": groups.next_place,
            "verdict": await verify_chain(access.session) if verify else None,
        }
        return render_page(access, "audit.html", translate("Audit"), context, refusal=listed.refusal)

    return [list_audit_entries_page, export_page(entries, _ROOT, opt=_READ)]
