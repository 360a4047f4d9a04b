"""The API of approvals. Decisions are posted to the change: `POST …/changes/{id}/answer`."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from foundation.web.actions import BulkResult, bulk_action
from foundation.web.api import post
from governance.approvals.answer import answer_many
from governance.approvals.lists import APPROVALS
from governance.approvals.queries import read_approval
from governance.approvals.release import answer_change
from governance.approvals.schemas import AnswerInput, ApprovalBulk, ApprovalDetail
from governance.changes.queries import read_change
from governance.changes.schemas import ChangeDetail
from governance.inputs import check_text
from governance.permissions import GovernancePermission
from policy.permissions import PolicyPermission
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": GovernancePermission.READ_APPROVALS}
_ROOT: Final = "/api/v1/clients/{client:str}/approvals"
_ANSWER: Final = "/api/v1/clients/{client:str}/changes/{change_id:uuid}/answer"
_TAGS: Final = ["approvals"]


APPROVAL_LIST: Final = list_route(
    APPROVALS,
    _ROOT,
    opt=_READ,
    tags=_TAGS,
    about="List pending approvals, oldest first, or answered ones, newest first.",
)


@get(f"{_ROOT}/{{change_id:uuid}}", opt=_READ, tags=_TAGS)
async def show_approval(access: OpenAccess, change_id: FromPath[UUID]) -> ApprovalDetail:
    """Return the approval of a change, with the current and the resulting value of each channel."""
    return await read_approval(access.session, change_id)


_DECIDE: Final = {"permission": PolicyPermission.DECIDE_APPROVAL}


@post(_ANSWER, opt=_DECIDE, tags=_TAGS, status_code=202)
async def answer_approval(access: OpenAccess, change_id: FromPath[UUID], data: JSONBody[AnswerInput]) -> ChangeDetail:
    """Approve or decline. An approval is checked again and carried out asynchronously."""
    reason = check_text(data.reason, "reason")
    await answer_change(
        access.session, change_id, grant=data.grant, reason=reason, now=access.now, seen=data.approval_id
    )
    return await read_change(access.session, change_id, now=access.now)


@post(f"{_ROOT}/bulk", opt=_DECIDE, tags=_TAGS, status_code=200)
async def answer_approvals(access: OpenAccess, data: JSONBody[ApprovalBulk]) -> BulkResult:
    """Approve or decline up to 200 approvals. Each has its own result; a refusal does not stop the others.

    `ids` are the approvals', not their changes'. An approval that was reissued in the meantime is refused.
    """
    answer = answer_many(access.session, grant=data.action == "approve", reason=data.reason, now=access.now)
    return await bulk_action(access.session, data.ids, answer)


APPROVAL_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (APPROVAL_LIST, answer_approvals, show_approval, answer_approval)
