"""API of this room. Without a client in the path, members and keys are those of the MSP account."""

from typing import Any, Final
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, JSONBody

from foundation.ids import new_id
from foundation.web.api import delete, post
from tenants.access import Access
from tenants.auth.api_keys import NewApiKey, create_api_key, revoke_api_key
from tenants.auth.pages import AnyRequest, OpenAuth
from tenants.invitations.issue import invite_member, reissue_invitation
from tenants.lists import API_KEYS, CLIENTS
from tenants.members.change_member import resume_member, suspend_member
from tenants.members.lists import INVITATIONS, MEMBERS
from tenants.members.repository import NewMember, get_member, withdraw_invite
from tenants.members.schemas import InvitedView, MemberInput, member_view
from tenants.models import Member
from tenants.permissions import TenantPermission
from tenants.schemas import (
    ApiKeyInput,
    NewApiKeyView,
    ReasonInput,
    api_key_view,
)
from tenants.web.dependencies import OpenAccess
from tenants.web.links import link_to
from tenants.web.lists import list_route

_KEYS: Final = ["/api/v1/api-keys", "/api/v1/clients/{client:str}/api-keys"]
_KEY: Final = [f"{path}/{{key_id:uuid}}" for path in _KEYS]
_MEMBERS: Final = ["/api/v1/members", "/api/v1/clients/{client:str}/members"]
_INVITATION: Final = [f"{path}/{{member_id:uuid}}/invitation" for path in _MEMBERS]
_SUSPENSION: Final = [f"{path}/{{member_id:uuid}}/suspension" for path in _MEMBERS]


CLIENT_LIST: Final = list_route(
    CLIENTS,
    "/api/v1/clients",
    opt={"permission": TenantPermission.READ_CLIENTS, "fleet": True},
    tags=["clients"],
    about="List your clients by short name.",
)
API_KEY_LIST: Final = list_route(
    API_KEYS,
    _KEYS,
    opt={"permission": TenantPermission.READ_API_KEYS},
    tags=["API keys"],
    about="List the keys of this account, newest first, without their secrets.",
)
MEMBER_LIST: Final = list_route(
    MEMBERS,
    _MEMBERS,
    opt={"permission": TenantPermission.READ_MEMBERS},
    tags=["members"],
    about="List the members of this account by address.",
)
INVITATION_LIST: Final = list_route(
    INVITATIONS,
    [f"{path}/invitations" for path in _MEMBERS],
    opt={"permission": TenantPermission.READ_MEMBERS},
    tags=["members"],
    about="List the members who were ever invited, newest first.",
)


@post(_KEYS, opt={"permission": TenantPermission.WRITE_API_KEYS}, tags=["API keys"])
async def post_api_key(access: OpenAccess, auth: OpenAuth, data: JSONBody[ApiKeyInput]) -> Response[NewApiKeyView]:
    """Make a key. Its text is in this answer only."""
    wanted = NewApiKey(new_id(), data.name, data.role, data.manages_access)
    key, text = await create_api_key(access.session, auth.new_secret, wanted, by=access.principal, now=access.now)
    return Response(NewApiKeyView(api_key_view(key), text), headers={"Cache-Control": "no-store"})


@delete(_KEY, opt={"permission": TenantPermission.WRITE_API_KEYS}, tags=["API keys"])
async def delete_api_key(access: OpenAccess, key_id: FromPath[UUID]) -> None:
    """Revoke a key: it is refused from now on, and stays listed."""
    await revoke_api_key(access.session, key_id=key_id, now=access.now)


@post(_MEMBERS, opt={"permission": TenantPermission.INVITE_MEMBERS}, tags=["members"])
async def post_member(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, data: JSONBody[MemberInput]
) -> Response[InvitedView]:
    """Bring somebody in. The answer holds the link with which they choose a password."""
    wanted = NewMember(new_id(), data.email, data.name, data.partner_id)
    member, token = await invite_member(access.session, auth, access.principal, wanted, role=data.role, new_id=new_id)
    return _invited(request, access, member, token)


@post(_INVITATION, opt={"permission": TenantPermission.INVITE_MEMBERS}, tags=["members"])
async def post_invitation(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]
) -> Response[InvitedView]:
    """A new link for somebody who lost theirs and has no password yet. Earlier links end."""
    member, token = await reissue_invitation(access.session, auth, access.principal, member_id)
    return _invited(request, access, member, token)


@delete(_INVITATION, opt={"permission": TenantPermission.INVITE_MEMBERS}, tags=["members"])
async def delete_invitation(access: OpenAccess, member_id: FromPath[UUID]) -> None:
    """Withdraw the link of somebody who has no password yet. The member stays listed and can be given a new one."""
    await withdraw_invite(access.session, member_id=member_id, now=access.now)


@post(_SUSPENSION, opt={"permission": TenantPermission.INVITE_MEMBERS}, tags=["members"], status_code=204)
async def post_suspension(
    access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID], data: JSONBody[ReasonInput]
) -> None:
    """Refuse somebody from now on. What they made stays."""
    member = await get_member(access.session, member_id)
    await suspend_member(access.session, access.principal, member, reason=data.reason, auth=auth)


@delete(_SUSPENSION, opt={"permission": TenantPermission.INVITE_MEMBERS}, tags=["members"])
async def delete_suspension(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]) -> None:
    """Let somebody in again."""
    member = await get_member(access.session, member_id)
    await resume_member(access.session, access.principal, member, auth=auth)


def _invited(request: AnyRequest, access: Access, member: Member, token: str) -> Response[InvitedView]:
    view = InvitedView(member_view(member, access.now), link_to(request, token))
    return Response(view, headers={"Cache-Control": "no-store"})


ROUTES: Final[tuple[Any, ...]] = (
    CLIENT_LIST,
    API_KEY_LIST,
    post_api_key,
    delete_api_key,
    MEMBER_LIST,
    INVITATION_LIST,
    post_member,
    post_invitation,
    delete_invitation,
    post_suspension,
    delete_suspension,
)
