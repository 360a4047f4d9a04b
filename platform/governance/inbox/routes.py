"""The API of approvals. Answers are given at the change: `POST …/changes/{id}/answer`."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from governance.inbox.queries import ANSWERED, WAITING, list_waiting, read_approval
from governance.inputs import USUAL, check_limit
from governance.permissions import GovernancePermission
from governance.schemas import ApprovalDetail, ApprovalPage
from tenants.routes import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_APPROVALS}
_ROOT: Final = "/api/v1/clients/{client:str}/approvals"
_TAGS: Final = ["approvals"]


@get(_ROOT, opt=_READ, tags=_TAGS)
async def api_approvals(
    access: OpenAccess,
    answered: FromQuery[bool] = False,  # noqa: FBT002 - a query parameter has a name
    after: FromQuery[UUID | None] = None,
    limit: FromQuery[int] = USUAL,
) -> ApprovalPage:
    """What waits for a person, oldest first; or what was answered, newest first."""
    states = ANSWERED if answered else WAITING
    return await list_waiting(access.session, states=states, after=after, limit=check_limit(limit))


@get(f"{_ROOT}/{{change_id:uuid}}", opt=_READ, tags=_TAGS)
async def api_approval(access: OpenAccess, change_id: FromPath[UUID]) -> ApprovalDetail:
    """By the change it is about, with what each channel shows now and would show."""
    return await read_approval(access.session, change_id)


INBOX_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (api_approvals, api_approval)
