"""API of roles, sessions and clients' suspension. Without a client in the path, of the MSP account."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody

from foundation.ids import new_id
from foundation.web.api import delete, post, put
from policy.permissions import PolicyPermission
from tenants.accounts import resume_client, suspend_client
from tenants.auth.device_link import LINK_LIFE
from tenants.auth.pages import OpenAuth
from tenants.auth.sign_out import sign_out_everywhere
from tenants.members.change_member import give_role, take_role
from tenants.members.confirmation import confirm_member
from tenants.members.device_links import issue_device_link
from tenants.members.repository import get_member
from tenants.members.schemas import DeviceLinkView
from tenants.permissions import TenantPermission
from tenants.schemas import ClientView, ReasonInput, client_view
from tenants.web.dependencies import OpenAccess
from tenants.web.links import device_link_to

AnyRequest = Request[Any, Any, Any]

_MEMBER: Final = ["/api/v1/members/{member_id:uuid}", "/api/v1/clients/{client:str}/members/{member_id:uuid}"]
_ROLE: Final = [f"{path}/roles/{{role:str}}" for path in _MEMBER]
_CONFIRMATION: Final = [f"{path}/confirmation" for path in _MEMBER]
_SESSIONS: Final = [f"{path}/sessions" for path in _MEMBER]
_DEVICE_LINK: Final = [f"{path}/device-link" for path in _MEMBER]
_SUSPENSION: Final = "/api/v1/clients/{client:str}/suspension"
_SUSPEND: Final = {"permission": TenantPermission.SUSPEND_CLIENT}


@put(_ROLE, opt={"permission": PolicyPermission.ASSIGN_ROLE}, tags=["members"], status_code=204)
async def put_role(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID], role: FromPath[str]) -> None:
    """Give a role."""
    member = await get_member(access.session, member_id)
    await give_role(access.session, access.principal, member, role=role, clock=auth.clock, new_id=new_id)


@delete(_ROLE, opt={"permission": PolicyPermission.ASSIGN_ROLE}, tags=["members"])
async def delete_role(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID], role: FromPath[str]) -> None:
    """Take a role back, effective with the member's next request."""
    member = await get_member(access.session, member_id)
    await take_role(access.session, access.principal, member, role=role, clock=auth.clock, new_id=new_id)


@put(_CONFIRMATION, opt={"permission": TenantPermission.INVITE_MEMBERS}, tags=["members"], status_code=204)
async def put_confirmation(access: OpenAccess, member_id: FromPath[UUID]) -> None:
    """Confirm that a member is not whoever invited them. Until then the two count as one person in approvals."""
    await confirm_member(access.session, access.principal, member_id=member_id, now=access.now)


@delete(_SESSIONS, opt={"permission": TenantPermission.INVITE_MEMBERS}, tags=["members"])
async def delete_sessions(access: OpenAccess, member_id: FromPath[UUID]) -> None:
    """Sign somebody out everywhere. They may sign in again."""
    await sign_out_everywhere(access.session, member_id=member_id, now=access.now)


@post(_DEVICE_LINK, opt={"permission": TenantPermission.INVITE_MEMBERS}, tags=["members"])
async def post_device_link(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]
) -> Response[DeviceLinkView]:
    """Unblock a sign-in: make a link that ends the wait for others' failures in the browser that opens it."""
    _, token = await issue_device_link(access.session, auth, member_id=member_id, now=access.now)
    view = DeviceLinkView(device_link_to(request, token), access.now + LINK_LIFE)
    return Response(view, headers={"Cache-Control": "no-store"})


@post(_SUSPENSION, opt=_SUSPEND, tags=["clients"], status_code=200)
async def post_client_suspension(access: OpenAccess, data: JSONBody[ReasonInput]) -> ClientView:
    """Refuse the client's members, keys and webhooks, and let its work rest. Nothing is deleted."""
    return client_view(await suspend_client(access.session, reason=data.reason, now=access.now))


@delete(_SUSPENSION, opt=_SUSPEND, tags=["clients"], status_code=200)
async def delete_client_suspension(access: OpenAccess, auth: OpenAuth) -> ClientView:
    """Serve the client again; its work and its clocks go on where they stopped."""
    return client_view(await resume_client(access.session, auth, reason="resumed", now=access.now))


ADMINISTRATION_ROUTES: Final[tuple[Any, ...]] = (
    put_role,
    delete_role,
    put_confirmation,
    delete_sessions,
    post_device_link,
    post_client_suspension,
    delete_client_suspension,
)
