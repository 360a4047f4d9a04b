"""Page of the inbox: approvals and exceptions of all clients, with bulk actions."""

from functools import partial
from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from foundation.database.engine import Database
from foundation.i18n.localizer import translate
from foundation.web.bulk_form import BulkView, run_bulk_form
from foundation.web.fragments import FRAGMENT
from foundation.web.list_view import list_view
from foundation.web.lists import LONGEST_TEXT, ListInput, ListParameters, Options
from foundation.web.pagination import RowCount
from governance.fleet.queries import list_client_names
from governance.inbox.act import act_on_items
from governance.inbox.lists import INBOX
from governance.inbox.queries import count_inbox
from governance.permissions import GovernancePermission
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": GovernancePermission.READ_FLEET, "fleet": True}
_ROOT: Final = "/inbox"
_MOST_CLIENTS: Final = 200
"""Most clients for which the filter is a list of choices; with more, the name is typed."""


@get(_ROOT, name="inbox", opt=_READ, dependencies=INBOX.page_parameters, include_in_schema=False)
async def list_inbox_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _list(access, listed, "inbox.html")


@get(f"{_ROOT}/rows", opt=_READ | FRAGMENT, dependencies=INBOX.page_parameters, include_in_schema=False)
async def list_inbox_fragment(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _list(access, listed, "inbox_rows.html")


def build_inbox_pages(db: Database) -> tuple[HTTPRouteHandler, ...]:
    @post(_ROOT, opt=_READ, dependencies=INBOX.page_parameters, include_in_schema=False, status_code=200)
    async def act_on_inbox_page(request: AnyRequest, access: OpenAccess, listed: ListParameters) -> Response[Any]:
        """Act on the selected items; the response is the list with the result of each."""
        form = await request.form()
        before = (await load_page(access, INBOX, listed)).items
        names = {str(item.id): f"{item.client_name}: {item.record_key or item.title}" for item in before}
        action, reason = str(form.get("action", "")), str(form.get("reason", ""))
        bulk = await run_bulk_form(form, lambda: partial(act_on_items, access, db, action, reason=reason), names)
        return await _list(access, listed, "inbox.html", bulk=bulk)

    return (list_inbox_page, export_page(INBOX, _ROOT, opt=_READ), list_inbox_fragment, act_on_inbox_page)


async def _list(access: Access, listed: ListInput, template: str, *, bulk: BulkView | None = None) -> Response[Any]:
    found = await load_page(access, INBOX, listed.uncounted())
    escalated = bool(listed.query["escalated"])
    counts = await count_inbox(
        access.session, listed.query["client"], escalated=escalated, assigned=listed.query["assigned"]
    )
    clients = await list_client_names(access.session, limit=_MOST_CLIENTS + 1)
    options: dict[str, Options] = {}
    if len(clients) <= _MOST_CLIENTS:
        options["client"] = [("", translate("All clients")), *((row.slug, row.name) for row in clients)]
    if listed.refusal is None:
        found = msgspec.structs.replace(found, count=RowCount(counts.of(listed.query["kind"])))
    context: dict[str, object] = {
        "listed": list_view(INBOX, listed, found, _ROOT, options=options),
        "counts": counts,
        "bulk": bulk,
        "reason_limit": LONGEST_TEXT,
        "shortcuts": access.principal.shortcuts,
    }
    refusal = listed.refusal or (bulk.refusal if bulk else None)
    return render_page(access, template, translate("Inbox"), context, refusal=refusal)
