"""Pages for inviting members, and the list of invitations with their states."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from foundation.database.savepoint import savepoint
from foundation.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound
from foundation.ids import new_id
from policy.publishing import list_assignments
from tenants.access import Access
from tenants.auth.pages import OpenAuth
from tenants.auth.services import AuthServices
from tenants.errors import EmailTaken
from tenants.invitations.issue import invite_member, reissue_invitation
from tenants.invitations.mail import mail_address
from tenants.invitations.queries import LONGEST_PAGE, count_waiting, list_invitations
from tenants.members.pages import redirect_to, render_member, render_page, root_of, run_action
from tenants.members.repository import NewMember, find_member, list_partners, withdraw_invite
from tenants.members.role_views import inviting_rows
from tenants.members.views import member_rows
from tenants.models import Member
from tenants.permissions import TenantPermission
from tenants.routes import OpenAccess, link_to

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/members", "/clients/{client:str}/members"]
_READ: Final = {"permission": TenantPermission.READ_MEMBERS}
_INVITE: Final = {"permission": TenantPermission.INVITE_MEMBERS}
_FIELDS: Final = ("email", "name", "role", "partner")


@get([f"{path}/invitations" for path in _ROOTS], opt=_READ, include_in_schema=False)
async def invitations_page(access: OpenAccess, before: FromQuery[UUID | None] = None) -> Response[Any]:
    members = await list_invitations(access.session, before=before)
    held = await list_assignments(access.session, access.scope)
    context: Mapping[str, object] = {
        "page": access.page("Invitations"),
        "root": root_of(access),
        "rows": member_rows(members, held, access.now),
        "waiting": await count_waiting(access.session, now=access.now),
        "first_page": before is None,
        "next": str(members[-1].id) if len(members) == LONGEST_PAGE else "",
        "may": access.may,
    }
    return render_page("tenants/invitations.html", context)


@get([f"{path}/invite" for path in _ROOTS], name="invite", opt=_INVITE, include_in_schema=False)
async def invite_page(access: OpenAccess) -> Response[Any]:
    return await _form(access, dict.fromkeys(_FIELDS, ""))


@post([f"{path}/invite" for path in _ROOTS], opt=_INVITE, include_in_schema=False)
async def invite(request: AnyRequest, access: OpenAccess, auth: OpenAuth) -> Response[Any]:
    """Invite a member. The response shows the link, once."""
    form = await request.form()
    given = {name: str(form.get(name, "")).strip() for name in _FIELDS}
    try:
        async with savepoint(access.session):
            member, token = await _invite(access, auth, given)
    except (Conflict, Forbidden, InvalidInput, NotFound) as refusal:
        return await _form(access, given, refusal)
    return _link(request, access, member, token)


@post([f"{path}/{{member_id:uuid}}/invitation" for path in _ROOTS], opt=_INVITE, include_in_schema=False)
async def renew_invitation(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]
) -> Response[Any]:
    """Create a new link for a member without a password. Earlier links end."""
    try:
        async with savepoint(access.session):
            member, token = await reissue_invitation(access.session, auth, access.principal, member_id)
    except (Conflict, Forbidden) as refusal:
        return await render_member(access, member_id, refusal)
    return _link(request, access, member, token)


@post([f"{path}/{{member_id:uuid}}/invitation/withdraw" for path in _ROOTS], opt=_INVITE, include_in_schema=False)
async def withdraw_invitation(access: OpenAccess, member_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access, withdraw_invite(access.session, member_id=member_id, now=access.now))
    return redirect_to(access, "/invitations") if refusal is None else await render_member(access, member_id, refusal)


INVITATION_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    invitations_page,
    invite_page,
    invite,
    renew_invitation,
    withdraw_invitation,
)


async def _invite(access: Access, auth: AuthServices, given: Mapping[str, str]) -> tuple[Member, str]:
    if not given["role"]:
        raise InvalidInput("Choose what this member may do.", field="role")
    wanted = NewMember(new_id(), given["email"], given["name"], _partner_id(given["partner"]))
    return await invite_member(access.session, auth, access.principal, wanted, role=given["role"], new_id=new_id)


def _partner_id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as problem:
        raise InvalidInput("Choose one of this account's partners.", field="partner") from problem


async def _form(access: Access, given: Mapping[str, str], refusal: DomainError | None = None) -> Response[Any]:
    partners = await list_partners(access.session) if access.client is not None else []
    context: Mapping[str, object] = {
        "page": access.page("Invite a member"),
        "root": root_of(access),
        "account": access.account.name,
        "client": access.client,
        "roles": [(role.name, role.words, role.about) for role in inviting_rows(access, partners=bool(partners))],
        "partners": [("", "None: one of our own members"), *((str(one.id), one.name) for one in partners)],
        "given": given,
        "errors": dict.fromkeys(_FIELDS, "") | _errors(refusal),
        "summary": list(_errors(refusal).items()),
        "known": await find_member(access.session, given["email"]) if isinstance(refusal, EmailTaken) else None,
    }
    return render_page("tenants/invite.html", context, refusal)


def _errors(refusal: DomainError | None) -> dict[str, str]:
    """Error sentences by form field."""
    if refusal is None:
        return {}
    field = str(refusal.extra.get("field", "role" if "role" in refusal.extra else "email"))
    if field == "partner_id" or isinstance(refusal, NotFound):
        field = "partner"
    return {field: refusal.detail}


def _link(request: AnyRequest, access: Access, member: Member, token: str) -> Response[Any]:
    link = link_to(request, token)
    context: Mapping[str, object] = {
        "page": access.page(f"Invitation for {member.name}"),
        "root": root_of(access),
        "account": access.account.name,
        "member": member,
        "link": link,
        "mail": mail_address(member, account=access.account.name, link=link),
    }
    return render_page("tenants/invited.html", context)
