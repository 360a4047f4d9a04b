"""The API of approvals. Decisions are posted to the change: `POST …/changes/{id}/answer`."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from foundation.web.api import post
from governance.approvals.queries import ANSWERED, WAITING, list_waiting, read_approval
from governance.approvals.release import answer_change
from governance.approvals.schemas import AnswerInput, ApprovalDetail, ApprovalPage
from governance.changes.queries import read_change
from governance.changes.schemas import ChangeDetail
from governance.inputs import USUAL, check_limit, check_text
from governance.permissions import GovernancePermission
from tenants.routes import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_APPROVALS}
_ROOT: Final = "/api/v1/clients/{client:str}/approvals"
_ANSWER: Final = "/api/v1/clients/{client:str}/changes/{change_id:uuid}/answer"
_TAGS: Final = ["approvals"]


@get(_ROOT, opt=_READ, tags=_TAGS)
async def api_approvals(
    access: OpenAccess,
    answered: FromQuery[bool] = False,  # noqa: FBT002 - a query parameter has a name
    cursor: FromQuery[UUID | None] = None,
    limit: FromQuery[int] = USUAL,
) -> ApprovalPage:
    """List pending approvals, oldest first, or decided ones, newest first."""
    states = ANSWERED if answered else WAITING
    return await list_waiting(access.session, states=states, cursor=cursor, limit=check_limit(limit))


@get(f"{_ROOT}/{{change_id:uuid}}", opt=_READ, tags=_TAGS)
async def api_approval(access: OpenAccess, change_id: FromPath[UUID]) -> ApprovalDetail:
    """Return the approval of a change, with the current and the resulting value of each channel."""
    return await read_approval(access.session, change_id)


_DECIDE: Final = {"permission": GovernancePermission.DECIDE_APPROVAL}


@post(_ANSWER, opt=_DECIDE, tags=_TAGS, status_code=202)
async def api_answer(access: OpenAccess, change_id: FromPath[UUID], data: JSONBody[AnswerInput]) -> ChangeDetail:
    """Approve or decline. An approval is checked again and carried out asynchronously."""
    reason = check_text(data.reason, "reason")
    await answer_change(
        access.session, change_id, grant=data.grant, reason=reason, now=access.now, seen=data.approval_id
    )
    return await read_change(access.session, change_id, now=access.now)


APPROVAL_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (api_approvals, api_approval, api_answer)
