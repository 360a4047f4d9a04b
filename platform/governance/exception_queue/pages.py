"""Pages of exceptions, worst first, each with its possible actions; and bulk actions."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.bulk_form import BulkView, bulk_form
from foundation.web.fragments import FRAGMENT
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from governance.assignments.draw import draw_discussion
from governance.changes.queries import find_change
from governance.changes.replay import replay_exception
from governance.escalations.draw import draw_escalation
from governance.escalations.schemas import EscalationSubject, OpenItem
from governance.exception_queue.lists import EXCEPTIONS
from governance.exception_queue.queries import count_exceptions, find_exception, list_owners
from governance.exception_queue.routes import BULK
from governance.exception_queue.timeline import build_timeline
from governance.exceptions.lifecycle import close_exception
from governance.exceptions.states import ExceptionState
from governance.permissions import GovernancePermission
from governance.records.titles import load_titles
from governance.web.list_return import redirect_from_item
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

_READ: Final = {"permission": GovernancePermission.READ_EXCEPTIONS}
_RESOLVE: Final = {"permission": GovernancePermission.RESOLVE_EXCEPTION}
AnyRequest = Request[Any, Any, Any]
_ROOT: Final = "/clients/{client:str}/exceptions"


@get(_ROOT, opt=_READ, dependencies=EXCEPTIONS.page_parameters, include_in_schema=False)
async def list_exceptions_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _list(access, listed, "exceptions.html")


@get(f"{_ROOT}/rows", opt=_READ | FRAGMENT, dependencies=EXCEPTIONS.page_parameters, include_in_schema=False)
async def list_exceptions_fragment(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _list(access, listed, "exception_rows.html", redrawn=True)


@post(_ROOT, opt=_RESOLVE, dependencies=EXCEPTIONS.page_parameters, include_in_schema=False, status_code=200)
async def close_or_replay_exceptions_page(
    request: AnyRequest, access: OpenAccess, listed: ListParameters
) -> Response[Any]:
    """Act on the selected exceptions; the response is the list with the result of each."""
    form = await request.form()
    names = {str(one.id): one.title for one in (await load_page(access, EXCEPTIONS, listed)).items}
    act = BULK.get(str(form.get("action", "")))
    bulk = await bulk_form(access.session, form, lambda: act and partial(_run, access, act), names)
    return await _list(access, listed, "exceptions.html", bulk=bulk)


@get(f"{_ROOT}/{{exception_id:uuid}}", opt=_READ, include_in_schema=False)
async def show_exception_page(access: OpenAccess, exception_id: FromPath[UUID]) -> Response[Any]:
    return await _detail(access, exception_id)


@get(f"{_ROOT}/{{exception_id:uuid}}/card", opt=_READ | FRAGMENT, include_in_schema=False)
async def show_exception_card_fragment(access: OpenAccess, exception_id: FromPath[UUID]) -> Response[Any]:
    """The exception beside a list, with its actions."""
    return await _detail(access, exception_id, template="exception_card.html")


@post(f"{_ROOT}/{{exception_id:uuid}}/replay", opt=_RESOLVE, include_in_schema=False)
async def replay_exception_page(request: AnyRequest, access: OpenAccess, exception_id: FromPath[UUID]) -> Response[Any]:
    act = replay_exception(access.session, exception_id, now=access.now)
    return await _act(request, access, exception_id, act, translate("Replayed"))


@post(f"{_ROOT}/{{exception_id:uuid}}/resolve", opt=_RESOLVE, include_in_schema=False)
async def resolve_exception_page(
    request: AnyRequest, access: OpenAccess, exception_id: FromPath[UUID]
) -> Response[Any]:
    settle = close_exception(access.session, exception_id, state=ExceptionState.RESOLVED, now=access.now)
    return await _act(request, access, exception_id, settle, translate("Resolved"))


@post(f"{_ROOT}/{{exception_id:uuid}}/discard", opt=_RESOLVE, include_in_schema=False)
async def discard_exception_page(
    request: AnyRequest, access: OpenAccess, exception_id: FromPath[UUID]
) -> Response[Any]:
    settle = close_exception(access.session, exception_id, state=ExceptionState.DISCARDED, now=access.now)
    return await _act(request, access, exception_id, settle, translate("Discarded"))


async def _run(access: Access, act: Callable[..., Awaitable[None]], one: UUID) -> None:
    await act(access.session, one, now=access.now)


async def _act(
    request: AnyRequest, access: Access, exception_id: UUID, act: Awaitable[None], done: str
) -> Response[Any]:
    refusal = await run_action(access.session, act)
    if refusal is not None:
        return await _detail(access, exception_id, refusal)
    return redirect_from_item(request, access, f"/exceptions/{exception_id}", done=done)


async def _detail(
    access: Access, exception_id: UUID, refusal: DomainError | None = None, *, template: str = "exception.html"
) -> Response[Any]:
    found = await find_exception(access.session, exception_id)
    change = None if found.change_id is None else await find_change(access.session, found.change_id, now=access.now)
    cost = None if change is None else change.cost
    titles = await load_titles(access.session, [found.record_key])
    item = OpenItem(EscalationSubject.EXCEPTION, found.id, found.change_id, found.state == ExceptionState.OPEN)
    context = {"titles": titles, "exception": found, "change": change, "cost": cost}
    escalated = await draw_escalation(access, item)
    context |= escalated | await draw_discussion(access, item)
    context["story"] = build_timeline(found, escalated["steps"], now=access.now)
    return render_page(access, template, found.title, context, refusal=refusal)


async def _list(
    access: Access, listed: ListInput, template: str, *, redrawn: bool = False, bulk: BulkView | None = None
) -> Response[Any]:
    found = await load_page(access, EXCEPTIONS, listed)
    owners = await list_owners(access.session)
    options = {"owner": [("", translate("Any")), *((owner, owner) for owner in owners)]}
    context: dict[str, object] = {
        "listed": list_view(EXCEPTIONS, listed, found, f"{access.root}/exceptions", options=options),
        "titles": await load_titles(access.session, [exception.record_key for exception in found.items]),
        "redrawn": redrawn,
        "counts": await count_exceptions(access.session),
        "bulk": bulk,
        "shortcuts": access.principal.shortcuts,
    }
    return render_page(
        access, template, translate("Exceptions"), context, refusal=listed.refusal or (bulk.refusal if bulk else None)
    )


EXCEPTION_EXPORT: Final = export_page(EXCEPTIONS, _ROOT, opt=_READ)
EXCEPTION_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_exceptions_page,
    EXCEPTION_EXPORT,
    close_or_replay_exceptions_page,
    list_exceptions_fragment,
    show_exception_page,
    show_exception_card_fragment,
    replay_exception_page,
    resolve_exception_page,
    discard_exception_page,
)
