"""API of this room. Without a client in the path, members and keys are those of the MSP account."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, JSONBody

from foundation.ids import new_id
from foundation.web.api import delete, post
from tenants.access import Access
from tenants.auth import api_keys
from tenants.auth.api_keys import NewApiKey
from tenants.auth.pages import AnyRequest, OpenAuth
from tenants.auth.step_up import STEP_UP
from tenants.invitations import issue
from tenants.lists import API_KEYS, CLIENTS
from tenants.members import change_member
from tenants.members.lists import INVITATIONS, MEMBERS
from tenants.members.repository import NewMember, get_member, withdraw_invite
from tenants.members.schemas import InvitedView, MemberInput, member_view
from tenants.models import Member
from tenants.permissions import TenantPermission
from tenants.schemas import (
    ApiKeyInput,
    ApiKeyRotation,
    NewApiKeyView,
    ReasonInput,
    new_key_view,
)
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of
from tenants.web.lists import list_route

_KEYS: Final = ["/api/v1/api-keys", "/api/v1/clients/{client:str}/api-keys"]
_KEY: Final = [f"{path}/{{key_id:uuid}}" for path in _KEYS]
_WRITE_KEYS: Final = {"permission": TenantPermission.WRITE_API_KEYS} | STEP_UP
_GRANT: Final = {"permission": TenantPermission.INVITE_MEMBERS} | STEP_UP
"""Options of routes that grant rights. Revoking rights needs no proof."""
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
    about="List invitations, newest first, including those that were accepted, withdrawn or have expired.",
)


@post(_KEYS, opt=_WRITE_KEYS, tags=["API keys"])
async def create_api_key(access: OpenAccess, auth: OpenAuth, data: JSONBody[ApiKeyInput]) -> Response[NewApiKeyView]:
    """Create a key. Only this response contains it."""
    permissions = None if data.permissions is None else tuple(data.permissions)
    wanted = NewApiKey(new_id(), data.name, data.role, data.manages_access, permissions, data.expires_at, data.use)
    key, text = await api_keys.create_api_key(
        access.session, auth.new_secret, wanted, by=access.principal, now=access.now, declared=auth.permissions
    )
    return Response(new_key_view(key, text), headers={"Cache-Control": "no-store"})


@post([f"{path}/rotation" for path in _KEY], opt=_WRITE_KEYS, tags=["API keys"])
async def rotate_api_key(
    access: OpenAccess, auth: OpenAuth, key_id: FromPath[UUID], data: JSONBody[ApiKeyRotation]
) -> Response[NewApiKeyView]:
    """Give a key a new secret. Only this response contains it; the previous one is accepted for the overlap."""
    key, text = await api_keys.rotate_api_key(
        access.session, auth.new_secret, key_id=key_id, now=access.now,
        overlap=timedelta(hours=data.overlap_hours), expires_at=data.expires_at,
    )  # fmt: skip
    return Response(new_key_view(key, text), headers={"Cache-Control": "no-store"})


@delete(_KEY, opt=_WRITE_KEYS, tags=["API keys"])
async def revoke_api_key(access: OpenAccess, key_id: FromPath[UUID]) -> None:
    """Revoke a key. It is refused from now on and stays in the list."""
    await api_keys.revoke_api_key(access.session, key_id=key_id, now=access.now)


@post(_MEMBERS, opt=_GRANT, tags=["members"])
async def invite_member(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, data: JSONBody[MemberInput]
) -> Response[InvitedView]:
    """Invite a member by mail. The response contains the link, too, with which they choose a password."""
    wanted = NewMember(new_id(), data.email, data.name, data.partner_id)
    member, link = await issue.invite_member(
        access.session, auth, access.principal, wanted, role=data.role, new_id=new_id,
        portal=portal_of(request, access.brand),
    )  # fmt: skip
    return _invited(access, member, link)


@post(_INVITATION, opt=_GRANT, tags=["members"])
async def reissue_invitation(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]
) -> Response[InvitedView]:
    """Create a new link for a member who has no password yet. Earlier links stop working."""
    portal = portal_of(request, access.brand)
    member, link = await issue.reissue_invitation(access.session, auth, access.principal, member_id, portal=portal)
    return _invited(access, member, link)


@delete(_INVITATION, opt={"permission": TenantPermission.INVITE_MEMBERS}, tags=["members"])
async def withdraw_invitation(access: OpenAccess, member_id: FromPath[UUID]) -> None:
    """Withdraw the link of a member who has no password yet. The member stays listed and can get a new one."""
    await withdraw_invite(access.session, member_id=member_id, now=access.now)


@post(_SUSPENSION, opt={"permission": TenantPermission.INVITE_MEMBERS}, tags=["members"], status_code=204)
async def suspend_member(
    access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID], data: JSONBody[ReasonInput]
) -> None:
    """Suspend a member: they cannot sign in. Their past actions stay in the records."""
    member = await get_member(access.session, member_id)
    await change_member.suspend_member(access.session, access.principal, member, reason=data.reason, auth=auth)


@delete(_SUSPENSION, opt=_GRANT, tags=["members"])
async def resume_member(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]) -> None:
    """Resume a suspended member."""
    member = await get_member(access.session, member_id)
    await change_member.resume_member(access.session, access.principal, member, auth=auth)


def _invited(access: Access, member: Member, link: str) -> Response[InvitedView]:
    view = InvitedView(member_view(member, access.now), link)
    return Response(view, headers={"Cache-Control": "no-store"})


ROUTES: Final[tuple[Any, ...]] = (
    CLIENT_LIST,
    API_KEY_LIST,
    create_api_key,
    rotate_api_key,
    revoke_api_key,
    MEMBER_LIST,
    INVITATION_LIST,
    invite_member,
    reissue_invitation,
    withdraw_invitation,
    suspend_member,
    resume_member,
)
