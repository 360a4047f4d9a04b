"""Pages for inviting members, and the list of invitations with their states."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from foundation.database.savepoint import savepoint
from foundation.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from foundation.web.pagination import ResultPage
from foundation.web.render import redirect_to, render_page
from policy.publishing import list_assignments
from policy.role_repository import role_names
from tenants.access import Access
from tenants.auth.pages import OpenAuth
from tenants.auth.services import AuthServices
from tenants.auth.step_up import STEP_UP
from tenants.errors import EmailTaken
from tenants.invitations.issue import invite_member, reissue_invitation
from tenants.invitations.mail import mail_address
from tenants.mail.mailer import Portal
from tenants.members.change_member import PARTNER
from tenants.members.invitation_queries import count_waiting, list_invitations
from tenants.members.lists import INVITATIONS
from tenants.members.pages import render_member
from tenants.members.repository import NewMember, find_member, withdraw_invite
from tenants.members.role_views import inviting_rows
from tenants.members.views import member_rows
from tenants.models import Member
from tenants.partners.manage import list_partners
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of
from tenants.web.lists import export_page

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/members", "/clients/{client:str}/members"]
_LIST: Final = [f"{path}/invitations" for path in _ROOTS]
_READ: Final = {"permission": TenantPermission.READ_MEMBERS}
_INVITE: Final = {"permission": TenantPermission.INVITE_MEMBERS}
_FIELDS: Final = ("email", "name", "role", "partner")


@get(_LIST, opt=_READ, dependencies=INVITATIONS.page_parameters, include_in_schema=False)
async def list_invitations_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    found = ResultPage[Member]([]) if listed.refusal else await list_invitations(access.session, listed.query)
    held = await list_assignments(access.session, access.scope)
    page = found.with_items(member_rows(found.items, held, access.now, await role_names(access.session)))
    context = {
        "listed": list_view(INVITATIONS, listed, page, f"{access.root}/members/invitations"),
        "waiting": await count_waiting(access.session, now=access.now),
    }
    return render_page(access, "tenants/invitations.html", translate("Invitations"), context, refusal=listed.refusal)


@get([f"{path}/invite" for path in _ROOTS], name="invite", opt=_INVITE, include_in_schema=False)
async def show_invite_page(access: OpenAccess, auth: OpenAuth, partner: FromQuery[str] = "") -> Response[Any]:
    """The form; of a client's `partner`, with the role chosen."""
    of_partner = bool(partner) and access.client is not None
    chosen = {"partner": partner, "role": PARTNER} if of_partner else {}
    return await _form(access, auth, dict.fromkeys(_FIELDS, "") | chosen)


@post([f"{path}/invite" for path in _ROOTS], opt=_INVITE | STEP_UP, include_in_schema=False)
async def invite_member_page(request: AnyRequest, access: OpenAccess, auth: OpenAuth) -> Response[Any]:
    """Invite a member. The response shows the link, once."""
    form = await request.form()
    given = {name: str(form.get(name, "")).strip() for name in _FIELDS}
    try:
        async with savepoint(access.session):
            member, link = await _invite(access, auth, given, portal_of(request, access.brand))
    except (Conflict, Forbidden, InvalidInput, NotFound) as refusal:
        return await _form(access, auth, given, refusal)
    return _link(access, auth, member, link)


@post([f"{path}/{{member_id:uuid}}/invitation" for path in _ROOTS], opt=_INVITE | STEP_UP, include_in_schema=False)
async def reissue_invitation_page(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]
) -> Response[Any]:
    """Create a new link for a member without a password. Earlier links end."""
    try:
        async with savepoint(access.session):
            member, link = await reissue_invitation(
                access.session, auth, access.principal, member_id, portal=portal_of(request, access.brand)
            )
    except (Conflict, Forbidden) as refusal:
        return await render_member(access, auth, member_id, refusal)
    return _link(access, auth, member, link)


@post([f"{path}/{{member_id:uuid}}/invitation/withdraw" for path in _ROOTS], opt=_INVITE, include_in_schema=False)
async def withdraw_invitation_page(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, withdraw_invite(access.session, member_id=member_id, now=access.now))
    return (
        redirect_to(access, "/members/invitations", done=translate("Saved"))
        if refusal is None
        else await render_member(access, auth, member_id, refusal)
    )


INVITATION_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_invitations_page,
    export_page(INVITATIONS, _LIST, opt=_READ),
    show_invite_page,
    invite_member_page,
    reissue_invitation_page,
    withdraw_invitation_page,
)


async def _invite(access: Access, auth: AuthServices, given: Mapping[str, str], portal: Portal) -> tuple[Member, str]:
    if not given["role"]:
        raise InvalidInput(N_("Choose what this member may do."), field="role")
    wanted = NewMember(new_id(), given["email"], given["name"], _partner_id(given["partner"]))
    return await invite_member(
        access.session, auth, access.principal, wanted, role=given["role"], new_id=new_id, portal=portal
    )


def _partner_id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as problem:
        raise InvalidInput(N_("Choose one of this account's partners."), field="partner") from problem


async def _form(
    access: Access, auth: AuthServices, given: Mapping[str, str], refusal: DomainError | None = None
) -> Response[Any]:
    partners = await list_partners(access.session) if access.client is not None else []
    index = await auth.policies.index_for(access.session, access.scope)
    context = {
        "account": access.account.name,
        "client": access.client,
        "roles": [
            (role.name, role.words, role.about) for role in inviting_rows(access, index, partners=bool(partners))
        ],
        "partners": [("", translate("None: one of our own members")), *((str(one.id), one.name) for one in partners)],
        "given": given,
        "errors": dict.fromkeys(_FIELDS, "") | _errors(refusal),
        "summary": list(_errors(refusal).items()),
        "known": await find_member(access.session, given["email"]) if isinstance(refusal, EmailTaken) else None,
    }
    return render_page(access, "tenants/invite.html", translate("Invite a member"), context, refusal=refusal)


def _errors(refusal: DomainError | None) -> dict[str, str]:
    """Error sentences by form field."""
    if refusal is None:
        return {}
    field = str(refusal.extra.get("field", "role" if "role" in refusal.extra else "email"))
    if field == "partner_id" or isinstance(refusal, NotFound):
        field = "partner"
    return {field: refusal.detail}


def _link(access: Access, auth: AuthServices, member: Member, link: str) -> Response[Any]:
    context = {
        "account": access.account.name,
        "member": member,
        "link": link,
        "is_sent": auth.mailer.is_certain,
        "mail": mail_address(member, account=access.account.name, link=link),
    }
    return render_page(access, "tenants/invited.html", translate("Invitation for {name}", name=member.name), context)
