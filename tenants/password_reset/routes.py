"""API of password resets. Without a client in the path, members are those of the MSP account."""

from typing import Any, Final
from uuid import UUID

from litestar import Request
from litestar.params import FromPath

from foundation.web.api import post
from tenants.auth.pages import OpenAuth
from tenants.members.repository import get_member
from tenants.password_reset.links import send_reset_link
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of

AnyRequest = Request[Any, Any, Any]
_RESET: Final = [
    "/api/v1/members/{member_id:uuid}/password-reset",
    "/api/v1/clients/{client:str}/members/{member_id:uuid}/password-reset",
]


@post(_RESET, opt={"permission": TenantPermission.INVITE_MEMBERS}, tags=["members"], status_code=202)
async def send_password_reset(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]
) -> None:
    """Send a member a mail with a link for a new password, at most every two minutes. The response has no link."""
    member = await get_member(access.session, member_id)
    portal = portal_of(request, access.brand)
    await send_reset_link(access.session, auth, member, portal=portal, now=access.now)


PASSWORD_RESET_ROUTES: Final[tuple[Any, ...]] = (send_password_reset,)
