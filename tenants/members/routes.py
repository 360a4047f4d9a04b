"""API of roles, sessions and clients' suspension. Without a client in the path, of the MSP account."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody

from foundation.ids import new_id
from foundation.web.api import delete, post, put
from policy.permissions import PolicyPermission
from tenants import accounts
from tenants.auth.device_link import LINK_LIFE
from tenants.auth.pages import OpenAuth
from tenants.auth.sign_out import sign_out_everywhere
from tenants.auth.step_up import STEP_UP
from tenants.members import confirmation
from tenants.members.change_member import assign_to_member, revoke_from_member
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
_ASSIGN: Final = {"permission": PolicyPermission.ASSIGN_ROLE} | STEP_UP
_GRANT: Final = {"permission": TenantPermission.INVITE_MEMBERS} | STEP_UP
_SUSPEND: Final = {"permission": TenantPermission.SUSPEND_CLIENT}


@put(_ROLE, opt=_ASSIGN, tags=["members"], status_code=204)
async def assign_role(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID], role: FromPath[str]) -> None:
    """Assign a role to a member."""
    member = await get_member(access.session, member_id)
    await assign_to_member(access.session, access.principal, member, role=role, auth=auth, new_id=new_id)


@delete(_ROLE, opt=_ASSIGN, tags=["members"])
async def remove_role(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID], role: FromPath[str]) -> None:
    """Remove a role. It takes effect with the member's next request."""
    member = await get_member(access.session, member_id)
    await revoke_from_member(access.session, access.principal, member, role=role, auth=auth, new_id=new_id)


@put(_CONFIRMATION, opt=_GRANT, tags=["members"], status_code=204)
async def confirm_member(access: OpenAccess, member_id: FromPath[UUID]) -> None:
    """Confirm that a member is not the same person as the inviter. Until then, both count as one in approvals."""
    await confirmation.confirm_member(access.session, access.principal, member_id=member_id, now=access.now)


@delete(_SESSIONS, opt={"permission": TenantPermission.INVITE_MEMBERS}, tags=["members"])
async def sign_out_member(access: OpenAccess, member_id: FromPath[UUID]) -> None:
    """Sign a member out on every device. They can sign in again."""
    await sign_out_everywhere(access.session, member_id=member_id, now=access.now)


@post(_DEVICE_LINK, opt=_GRANT, tags=["members"])
async def create_device_link(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]
) -> Response[DeviceLinkView]:
    """Create a link that lets the member sign in without waiting for failed attempts of others."""
    _, token = await issue_device_link(access.session, auth, member_id=member_id, now=access.now)
    view = DeviceLinkView(device_link_to(request, token), access.now + LINK_LIFE)
    return Response(view, headers={"Cache-Control": "no-store"})


@post(_SUSPENSION, opt=_SUSPEND | STEP_UP, tags=["clients"], status_code=200)
async def suspend_client(access: OpenAccess, data: JSONBody[ReasonInput]) -> ClientView:
    """Suspend a client: its members, keys and webhooks are refused, and its jobs pause. Nothing is deleted."""
    return client_view(await accounts.suspend_client(access.session, reason=data.reason, now=access.now))


@delete(_SUSPENSION, opt=_SUSPEND, tags=["clients"], status_code=200)
async def resume_client(access: OpenAccess, auth: OpenAuth) -> ClientView:
    """Resume a suspended client. Its jobs and targets continue where they were paused."""
    return client_view(await accounts.resume_client(access.session, auth, reason="resumed", now=access.now))


ADMINISTRATION_ROUTES: Final[tuple[Any, ...]] = (
    assign_role,
    remove_role,
    confirm_member,
    sign_out_member,
    create_device_link,
    suspend_client,
    resume_client,
)
