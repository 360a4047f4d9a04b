"""The API of the inbox."""

from typing import Final

from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from foundation.database.engine import Database
from foundation.web.actions import BulkResult
from foundation.web.api import post
from governance.inbox.act import act_on_items
from governance.inbox.lists import INBOX
from governance.inbox.schemas import InboxAct
from governance.permissions import GovernancePermission
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": GovernancePermission.READ_FLEET, "fleet": True}
_TAGS: Final = ["inbox"]

INBOX_LIST: Final = list_route(
    INBOX,
    "/api/v1/inbox",
    opt=_READ,
    tags=_TAGS,
    about="List pending approvals and open exceptions of all clients, those due first.",
)


def build_inbox_routes(db: Database) -> tuple[HTTPRouteHandler, ...]:
    @post("/api/v1/inbox/bulk", opt=_READ, tags=_TAGS, status_code=200)
    async def act_on_inbox(access: OpenAccess, data: JSONBody[InboxAct]) -> BulkResult:
        """Act on items of several clients. Each has its own result; a refusal does not stop the others."""
        return await act_on_items(access, db, data.action, data.ids, reason=data.reason)

    return (INBOX_LIST, act_on_inbox)
