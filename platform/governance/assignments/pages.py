"""Pages of assignment and comments. The item's own page shows both; these take the forms, and show a refusal."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, URLEncodedBody

from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.web.actions import run_action
from foundation.web.render import redirect_to
from governance.assignments.assign import assign_item
from governance.assignments.candidates import list_candidates
from governance.assignments.comment import add_comment
from governance.assignments.draw import draw_discussion
from governance.assignments.items import path_of
from governance.assignments.routes import ACT_ON_APPROVAL, ACT_ON_EXCEPTION
from governance.escalations.queries import find_approval_item, find_exception_item
from governance.escalations.schemas import OpenItem
from governance.web.render import render_page
from policy.cache import PolicyCache
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

_EXCEPTION: Final = "/clients/{client:str}/exceptions/{exception_id:uuid}"
_APPROVAL: Final = "/clients/{client:str}/approvals/{change_id:uuid}"


class AssigneeForm(msgspec.Struct):
    """`assignee`: a member's id, `me`, or nothing for nobody."""

    assignee: str = ""


class CommentForm(msgspec.Struct):
    text: str = ""


def build_assignment_pages(policies: PolicyCache) -> tuple[HTTPRouteHandler, ...]:
    @get(f"{_EXCEPTION}/assignee", opt=ACT_ON_EXCEPTION, include_in_schema=False)
    async def show_exception_assignee_page(access: OpenAccess, exception_id: FromPath[UUID]) -> Response[Any]:
        return await _page(access, policies, await find_exception_item(access.session, exception_id))

    @post(f"{_EXCEPTION}/assignee", opt=ACT_ON_EXCEPTION, include_in_schema=False)
    async def assign_exception_page(
        access: OpenAccess, exception_id: FromPath[UUID], data: URLEncodedBody[AssigneeForm]
    ) -> Response[Any]:
        item = await find_exception_item(access.session, exception_id)
        return await _assign(access, policies, item, data.assignee)

    @post(f"{_EXCEPTION}/comments", opt=ACT_ON_EXCEPTION, include_in_schema=False)
    async def comment_on_exception_page(
        access: OpenAccess, exception_id: FromPath[UUID], data: URLEncodedBody[CommentForm]
    ) -> Response[Any]:
        item = await find_exception_item(access.session, exception_id)
        return await _comment(access, policies, item, data.text)

    @get(f"{_APPROVAL}/assignee", opt=ACT_ON_APPROVAL, include_in_schema=False)
    async def show_approval_assignee_page(access: OpenAccess, change_id: FromPath[UUID]) -> Response[Any]:
        return await _page(access, policies, await find_approval_item(access.session, change_id))

    @post(f"{_APPROVAL}/assignee", opt=ACT_ON_APPROVAL, include_in_schema=False)
    async def assign_approval_page(
        access: OpenAccess, change_id: FromPath[UUID], data: URLEncodedBody[AssigneeForm]
    ) -> Response[Any]:
        item = await find_approval_item(access.session, change_id)
        return await _assign(access, policies, item, data.assignee)

    @post(f"{_APPROVAL}/comments", opt=ACT_ON_APPROVAL, include_in_schema=False)
    async def comment_on_approval_page(
        access: OpenAccess, change_id: FromPath[UUID], data: URLEncodedBody[CommentForm]
    ) -> Response[Any]:
        item = await find_approval_item(access.session, change_id)
        return await _comment(access, policies, item, data.text)

    return (
        show_exception_assignee_page,
        assign_exception_page,
        comment_on_exception_page,
        show_approval_assignee_page,
        assign_approval_page,
        comment_on_approval_page,
    )


async def _assign(access: Access, policies: PolicyCache, item: OpenItem, assignee: str) -> Response[Any]:
    act = assign_item(access.session, policies, item, assignee.strip(), now=access.now)
    refusal = await run_action(access.session, act)
    if refusal is not None:
        return await _page(access, policies, item, refusal)
    return redirect_to(access, path_of(item), done=translate("Saved"))


async def _comment(access: Access, policies: PolicyCache, item: OpenItem, text: str) -> Response[Any]:
    refusal = await run_action(access.session, add_comment(access.session, item, text, now=access.now, new_id=new_id))
    if refusal is not None:
        return await _page(access, policies, item, refusal, typed=text)
    return redirect_to(access, path_of(item), done=translate("Comment added"))


async def _page(
    access: Access, policies: PolicyCache, item: OpenItem, refusal: DomainError | None = None, *, typed: str = ""
) -> Response[Any]:
    candidates = await list_candidates(access.session, policies, item)
    labels = [
        (str(one.id), translate("{name} (service provider)", name=one.name) if one.is_staff else one.name)
        for one in candidates
    ]
    context = await draw_discussion(access, item, typed=typed) | {
        "candidates": [("", translate("Nobody")), *labels],
        "of_approval": "/approvals/" in path_of(item),
    }
    return render_page(access, "assignee.html", translate("Assignee and comments"), context, refusal=refusal)
