"""The API of assignments and comments, below exceptions and approvals."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from foundation.ids import new_id
from foundation.web.api import post, put
from governance.assignments.assign import assign_item
from governance.assignments.candidates import list_candidates
from governance.assignments.comment import add_comment
from governance.assignments.queries import find_assignment, list_comments
from governance.assignments.schemas import AssigneeInput, AssignmentView, CommentInput, CommentView
from governance.escalations.queries import find_approval_item, find_exception_item
from governance.escalations.schemas import OpenItem
from governance.permissions import GovernancePermission
from policy.cache import PolicyCache
from policy.permissions import PolicyPermission
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

_CLIENT: Final = "/api/v1/clients/{client:str}"
_EXCEPTION: Final = f"{_CLIENT}/exceptions/{{exception_id:uuid}}"
_APPROVAL: Final = f"{_CLIENT}/approvals/{{change_id:uuid}}"
READ_EXCEPTION: Final = {"permission": GovernancePermission.READ_EXCEPTIONS}
READ_APPROVAL: Final = {"permission": GovernancePermission.READ_APPROVALS}
ACT_ON_EXCEPTION: Final = {"permission": GovernancePermission.RESOLVE_EXCEPTION}
ACT_ON_APPROVAL: Final = {"permission": PolicyPermission.DECIDE_APPROVAL}
_OF_EXCEPTIONS: Final = ["exceptions"]
_OF_APPROVALS: Final = ["approvals"]


def build_assignment_routes(policies: PolicyCache) -> tuple[HTTPRouteHandler, ...]:
    @get(f"{_EXCEPTION}/assignee", opt=ACT_ON_EXCEPTION, tags=_OF_EXCEPTIONS)
    async def show_exception_assignee(access: OpenAccess, exception_id: FromPath[UUID]) -> AssignmentView:
        """Show the assignee of an exception, and the members to whom it can be assigned."""
        return await _view(access, policies, await find_exception_item(access.session, exception_id))

    @put(f"{_EXCEPTION}/assignee", opt=ACT_ON_EXCEPTION, tags=_OF_EXCEPTIONS, status_code=204)
    async def assign_exception(access: OpenAccess, exception_id: FromPath[UUID], data: JSONBody[AssigneeInput]) -> None:
        """Assign an open exception to a member, who is notified, or to nobody."""
        item = await find_exception_item(access.session, exception_id)
        await assign_item(access.session, policies, item, data.assignee or "", now=access.now)

    @get(f"{_APPROVAL}/assignee", opt=ACT_ON_APPROVAL, tags=_OF_APPROVALS)
    async def show_approval_assignee(access: OpenAccess, change_id: FromPath[UUID]) -> AssignmentView:
        """Show the assignee of the approval of a change, and the members to whom it can be assigned."""
        return await _view(access, policies, await find_approval_item(access.session, change_id))

    @put(f"{_APPROVAL}/assignee", opt=ACT_ON_APPROVAL, tags=_OF_APPROVALS, status_code=204)
    async def assign_approval(access: OpenAccess, change_id: FromPath[UUID], data: JSONBody[AssigneeInput]) -> None:
        """Assign a pending approval to a member, who is notified, or to nobody. It gives no right to answer."""
        item = await find_approval_item(access.session, change_id)
        await assign_item(access.session, policies, item, data.assignee or "", now=access.now)

    return (show_exception_assignee, assign_exception, show_approval_assignee, assign_approval)


@get(f"{_EXCEPTION}/comments", opt=READ_EXCEPTION, tags=_OF_EXCEPTIONS)
async def list_exception_comments(access: OpenAccess, exception_id: FromPath[UUID]) -> list[CommentView]:
    """List the comments on an exception, oldest first; there are at most 200."""
    return list(await list_comments(access.session, await find_exception_item(access.session, exception_id)))


@post(f"{_EXCEPTION}/comments", opt=ACT_ON_EXCEPTION, tags=_OF_EXCEPTIONS)
async def comment_on_exception(
    access: OpenAccess, exception_id: FromPath[UUID], data: JSONBody[CommentInput]
) -> CommentView:
    """Comment on an exception, open or closed. A comment cannot be changed or removed."""
    item = await find_exception_item(access.session, exception_id)
    return await add_comment(access.session, item, data.text, now=access.now, new_id=new_id)


@get(f"{_APPROVAL}/comments", opt=READ_APPROVAL, tags=_OF_APPROVALS)
async def list_approval_comments(access: OpenAccess, change_id: FromPath[UUID]) -> list[CommentView]:
    """List the comments on the approval of a change, oldest first; there are at most 200."""
    return list(await list_comments(access.session, await find_approval_item(access.session, change_id)))


@post(f"{_APPROVAL}/comments", opt=ACT_ON_APPROVAL, tags=_OF_APPROVALS)
async def comment_on_approval(
    access: OpenAccess, change_id: FromPath[UUID], data: JSONBody[CommentInput]
) -> CommentView:
    """Comment on the approval of a change, pending or answered. A comment cannot be changed or removed."""
    item = await find_approval_item(access.session, change_id)
    return await add_comment(access.session, item, data.text, now=access.now, new_id=new_id)


async def _view(access: Access, policies: PolicyCache, item: OpenItem) -> AssignmentView:
    candidates = await list_candidates(access.session, policies, item)
    return AssignmentView(await find_assignment(access.session, item), candidates)


COMMENT_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_exception_comments,
    comment_on_exception,
    list_approval_comments,
    comment_on_approval,
)
