"""Pages of approvals: inbox, preview per channel, decision form."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, URLEncodedBody

from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.bulk_form import BulkView, bulk_form
from foundation.web.fragments import FRAGMENT
from foundation.web.list_view import list_view
from foundation.web.lists import LONGEST_TEXT, ListInput, ListParameters
from governance.approvals.answer import answer_displayed, answer_many
from governance.approvals.explanation import describe_approval
from governance.approvals.lists import APPROVALS
from governance.approvals.queries import count_waiting, read_approval
from governance.approvals.schemas import AnswerInput, ApprovalDetail
from governance.approvals.timeline import build_timeline
from governance.assignments.draw import draw_discussion
from governance.authors import find_members, name_authors
from governance.changes.lists import CHANGES
from governance.changes.order_view import describe_order
from governance.changes.queries import list_changes
from governance.escalations.draw import draw_escalation
from governance.escalations.queries import find_approval_item
from governance.labels import write_element
from governance.permissions import GovernancePermission
from governance.propagation.queries import load_propagations
from governance.records.titles import load_titles
from governance.services import GovernanceServices
from governance.web.list_return import redirect_from_item
from governance.web.render import render_page
from policy.permissions import PolicyPermission
from policy.states import ApprovalState
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

_READ: Final = {"permission": GovernancePermission.READ_APPROVALS}
_DECIDE: Final = {"permission": PolicyPermission.DECIDE_APPROVAL}
AnyRequest = Request[Any, Any, Any]
_ROOT: Final = "/clients/{client:str}/approvals"
_LATELY: Final = 5
"""Recent changes of the same record and element to show beside an approval."""


class AnswerForm(msgspec.Struct):
    """Form of a decision. `answer`: approve | decline. `approval`, `content`: what the page displayed."""

    answer: str
    reason: str = ""
    approval: UUID | None = None
    content: str = ""


@get(_ROOT, opt=_READ, dependencies=APPROVALS.page_parameters, include_in_schema=False)
async def list_approvals_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _list(access, listed, "approvals.html")


@get(f"{_ROOT}/waiting", opt=_READ | FRAGMENT, dependencies=APPROVALS.page_parameters, include_in_schema=False)
async def list_approvals_fragment(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _list(access, listed, "approval_rows.html")


@post(_ROOT, opt=_DECIDE, dependencies=APPROVALS.page_parameters, include_in_schema=False, status_code=200)
async def answer_approvals_page(request: AnyRequest, access: OpenAccess, listed: ListParameters) -> Response[Any]:
    """Answer the selected approvals; the response is the list with the result of each."""
    form = await request.form()
    found = await load_page(access, APPROVALS, listed)
    names = {
        str(item.approval.id): f"{item.change.record_key}, {write_element(item.change.element)}" for item in found.items
    }
    grant = {"approve": True, "decline": False}.get(str(form.get("action", "")))

    def act() -> Callable[[UUID], Awaitable[None]] | None:
        reason = str(form.get("reason", ""))
        return None if grant is None else answer_many(access.session, grant=grant, reason=reason, now=access.now)

    bulk = await bulk_form(access.session, form, act, names)
    return await _list(access, listed, "approvals.html", bulk=bulk)


@get(f"{_ROOT}/{{change_id:uuid}}/preview", opt=_READ | FRAGMENT, include_in_schema=False)
async def show_approval_preview_fragment(access: OpenAccess, change_id: FromPath[UUID]) -> Response[Any]:
    """Preview of each channel, while the approved value is on its way."""
    detail = await read_approval(access.session, change_id)
    context = await _preview(access, detail)
    return render_page(access, "approval_preview.html", translate("Approval"), context)


def build_approval_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @get(f"{_ROOT}/{{change_id:uuid}}", opt=_READ, include_in_schema=False)
    async def show_approval_page(access: OpenAccess, change_id: FromPath[UUID]) -> Response[Any]:
        return await _draw(access, await describe_approval(access.session, services, change_id))

    @get(f"{_ROOT}/{{change_id:uuid}}/card", opt=_READ | FRAGMENT, include_in_schema=False)
    async def show_approval_card_fragment(access: OpenAccess, change_id: FromPath[UUID]) -> Response[Any]:
        """The approval beside a list, with the form to answer it."""
        detail = await describe_approval(access.session, services, change_id)
        return await _draw(access, detail, template="approval_card.html")

    @post(f"{_ROOT}/{{change_id:uuid}}", opt=_DECIDE, include_in_schema=False)
    async def answer_approval_page(
        request: AnyRequest, access: OpenAccess, change_id: FromPath[UUID], data: URLEncodedBody[AnswerForm]
    ) -> Response[Any]:
        answer = AnswerInput(data.answer == "approve", data.reason, data.approval, data.content)
        act = answer_displayed(access.session, services, change_id, answer, now=access.now)
        refusal = await run_action(access.session, act)
        if refusal is not None:
            detail = await describe_approval(access.session, services, change_id)
            return await _draw(access, detail, refusal, reason=data.reason)
        done = translate("Approved") if answer.grant else translate("Declined")
        return redirect_from_item(request, access, f"/approvals/{change_id}", done=done)

    return (
        *_LIST_PAGES,
        show_approval_page,
        show_approval_card_fragment,
        show_approval_preview_fragment,
        answer_approval_page,
    )


async def _draw(
    access: Access,
    detail: ApprovalDetail,
    refusal: DomainError | None = None,
    *,
    reason: str = "",
    template: str = "approval.html",
) -> Response[Any]:
    answer = detail.approval
    names = await name_authors(
        access.session,
        (answer.author, answer.requested_by, answer.decided_by, *(vote.by for vote in detail.votes)),
        me=str(access.principal.id),
    )
    about, order = detail.change, describe_order(detail.change.new)
    same = CHANGES.query(
        key=about.record_key,
        element=about.element,
        dimension=about.dimension,
        record_type=about.record_type,
        limit=_LATELY + 1,
    )
    lately = await list_changes(access.session, same, access.now)
    me = access.principal.actor
    invited = answer.requested_by in await find_members(access.session, [answer.requested_by])
    item = await find_approval_item(access.session, about.id)
    escalated = await draw_escalation(access, item)
    context = (
        await _preview(access, detail)
        | escalated
        | await draw_discussion(access, item)
        | {
            "story": build_timeline(detail, names, escalated["steps"]),
            "order": order,
            "lately": [change for change in lately.items if change.id != detail.change.id][:_LATELY],
            "names": names,
            "titles": await load_titles(access.session, [about.record_key, *(order.skus if order else ())]),
            "voted": not me.same_identity.isdisjoint(vote.by for vote in detail.votes),
            "qualified": not answer.approvers
            or any(one.given < one.number and (not one.role or one.role in me.roles) for one in answer.approvers),
            "own": bool(me.same_identity & {answer.author, answer.requested_by}),
            "own_title": _own_title(me.id, answer.requested_by, answer.author, invited=invited),
            "relation": "" if answer.author == answer.requested_by else "invited" if invited else "key",
            "reason": reason,
            "reason_limit": LONGEST_TEXT,
            "reason_error": refusal.detail
            if isinstance(refusal, InvalidInput) and refusal.extra.get("field") == "reason"
            else "",
        }
    )
    return render_page(access, template, translate("Approval"), context, refusal=refusal)


async def _preview(access: Access, detail: ApprovalDetail) -> dict[str, object]:
    """`moving`: an approved value is not released yet, or jobs deliver it."""
    change_id = detail.change.id
    delivered = await load_propagations(access.session, [change_id], now=access.now)
    moving = detail.approval.state == ApprovalState.GRANTED or any(one.is_open for one in delivered[change_id])
    return {"detail": detail, "change": detail.change, "approval": detail.approval, "moving": moving}


async def _list(access: Access, listed: ListInput, template: str, *, bulk: BulkView | None = None) -> Response[Any]:
    found = await load_page(access, APPROVALS, listed)
    approvals = [item.approval for item in found.items]
    quoted = [name for one in approvals for name in (one.requested_by, one.author, one.decided_by)]
    context = {
        "listed": list_view(APPROVALS, listed, found, f"{access.root}/approvals"),
        "redrawn": template == "approval_rows.html",
        "is_pending": listed.query["status"] == "pending",
        "waiting": await count_waiting(access.session),
        "titles": await load_titles(access.session, [item.change.record_key for item in found.items]),
        "names": await name_authors(access.session, quoted, me=str(access.principal.id)),
        "members": await find_members(access.session, {one.requested_by for one in approvals}),
        "reason_limit": LONGEST_TEXT,
        "bulk": bulk,
        "shortcuts": access.principal.shortcuts,
    }
    refusal = listed.refusal or (bulk.refusal if bulk else None)
    return render_page(access, template, translate("Approvals"), context, refusal=refusal)


def _own_title(me: str, requested_by: str, author: str, *, invited: bool) -> str:
    """Reason why the reader counts as the author."""
    if me == requested_by:
        return translate("This is your own proposal")
    if me != author:
        return translate("You are not confirmed as independent of the person who proposed this")
    if invited:
        return translate("Someone you invited proposed this")
    return translate("An API key that you created proposed this")


APPROVAL_EXPORT: Final = export_page(APPROVALS, _ROOT, opt=_READ)
_LIST_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_approvals_page,
    APPROVAL_EXPORT,
    list_approvals_fragment,
    answer_approvals_page,
)
