"""The API of approvals. Decisions are posted to the change: `POST …/changes/{id}/answer`."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from foundation.web.actions import BulkResult, bulk_action
from foundation.web.api import post
from governance.approvals.answer import answer_displayed, answer_many
from governance.approvals.explanation import describe_approval
from governance.approvals.lists import APPROVALS
from governance.approvals.schemas import AnswerInput, ApprovalBulk, ApprovalDetail
from governance.changes.queries import read_change
from governance.changes.schemas import ChangeDetail
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from policy.permissions import PolicyPermission
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": GovernancePermission.READ_APPROVALS}
_ROOT: Final = "/api/v1/clients/{client:str}/approvals"
_ANSWER: Final = "/api/v1/clients/{client:str}/changes/{change_id:uuid}/answer"
_TAGS: Final = ["approvals"]
_DECIDE: Final = {"permission": PolicyPermission.DECIDE_APPROVAL}


APPROVAL_LIST: Final = list_route(
    APPROVALS,
    _ROOT,
    opt=_READ,
    tags=_TAGS,
    about="List pending approvals, oldest first, or answered ones, newest first.",
)


@post(f"{_ROOT}/bulk", opt=_DECIDE, tags=_TAGS, status_code=200)
async def answer_approvals(access: OpenAccess, data: JSONBody[ApprovalBulk]) -> BulkResult:
    """Approve or decline up to 200 approvals. Each has its own result; a refusal does not stop the others.

    `ids` are the approvals', not their changes'. An approval that was reissued in the meantime is refused.
    """
    answer = answer_many(access.session, grant=data.action == "approve", reason=data.reason, now=access.now)
    return await bulk_action(access.session, data.ids, answer)


def build_approval_routes(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @get(f"{_ROOT}/{{change_id:uuid}}", opt=_READ, tags=_TAGS)
    async def show_approval(access: OpenAccess, change_id: FromPath[UUID]) -> ApprovalDetail:
        """Return the approval of a change, with the current and the resulting value of each channel, the facts that the
        rule compared, and the alternatives.
        """
        return await describe_approval(access.session, services, change_id)

    @post(_ANSWER, opt=_DECIDE, tags=_TAGS, status_code=202)
    async def answer_approval(
        access: OpenAccess, change_id: FromPath[UUID], data: JSONBody[AnswerInput]
    ) -> ChangeDetail:
        """Approve or decline. An approval is checked again and carried out asynchronously. With the `content` of the
        approval's `explanation`, an answer to data that has changed since is refused (`approval-outdated`).
        """
        await answer_displayed(access.session, services, change_id, data, now=access.now)
        return await read_change(access.session, change_id, now=access.now)

    return (APPROVAL_LIST, answer_approvals, show_approval, answer_approval)
