"""Pages of an account's members and their roles, and of suspending a member or a client."""

from collections.abc import Awaitable
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Template

from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.reasons import LONGEST_REASON
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from foundation.web.pagination import ResultPage
from foundation.web.render import redirect_to, render_page
from policy.permissions import PolicyPermission
from policy.publishing import list_assignments
from policy.role_repository import role_names
from tenants.access import Access
from tenants.accounts import resume_client, suspend_client
from tenants.auth.device_link import LINK_LIFE
from tenants.auth.pages import OpenAuth
from tenants.auth.services import AuthServices
from tenants.auth.sign_out import sign_out_everywhere
from tenants.auth.step_up import STEP_UP
from tenants.identity_providers.queries import linked_since
from tenants.members.change_member import assign_to_member, resume_member, revoke_from_member, suspend_member
from tenants.members.confirmation import confirm_member, may_confirm, needs_confirmation
from tenants.members.device_links import issue_device_link
from tenants.members.invitation_queries import count_waiting
from tenants.members.lists import MEMBERS
from tenants.members.repository import get_member, list_members
from tenants.members.role_views import held_rows, offered_rows
from tenants.members.views import LookForm, MemberRow, member_rows
from tenants.models import Member
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess
from tenants.web.links import device_link_to
from tenants.web.lists import export_page

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/members", "/clients/{client:str}/members"]
_ONE: Final = [f"{path}/{{member_id:uuid}}" for path in _ROOTS]
_READ: Final = {"permission": TenantPermission.READ_MEMBERS}
_SUSPEND: Final = {"permission": TenantPermission.SUSPEND_CLIENT}
_INVITE: Final = {"permission": TenantPermission.INVITE_MEMBERS}
_ASSIGN: Final = {"permission": PolicyPermission.ASSIGN_ROLE} | STEP_UP


@get(_ROOTS, name="members", opt=_READ, dependencies=MEMBERS.page_parameters, include_in_schema=False)
async def list_members_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _members(access, listed)


@get(_ONE, name="member", opt=_READ, include_in_schema=False)
async def show_member_page(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]) -> Response[Any]:
    return await render_member(access, auth, member_id)


@post([f"{path}/sign-out" for path in _ONE], opt=_INVITE, include_in_schema=False)
async def sign_out_member_page(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]) -> Response[Any]:
    ending = sign_out_everywhere(access.session, member_id=member_id, now=access.now)
    return await _change(access, auth, member_id, ending)


@post([f"{path}/device-link" for path in _ONE], opt=_INVITE | STEP_UP, include_in_schema=False)
async def create_device_link_page(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]
) -> Response[Any]:
    """The response shows the link, once."""
    made: list[tuple[Member, str]] = []

    async def issue() -> None:
        made.append(await issue_device_link(access.session, auth, member_id=member_id, now=access.now))

    refusal = await run_action(access.session, issue())
    if refusal is not None:
        return await render_member(access, auth, member_id, refusal)
    ((member, token),) = made
    context = {"member": member, "link": device_link_to(request, token), "until": access.now + LINK_LIFE}
    return render_page(
        access, "tenants/device_link.html", translate("Unblock sign-in of {name}", name=member.name), context
    )


@post([f"{path}/suspend" for path in _ONE], opt=_INVITE, include_in_schema=False)
async def suspend_member_page(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]
) -> Response[Any]:
    member = await get_member(access.session, member_id)
    typed = await _typed(request)
    return await _change(
        access,
        auth,
        member_id,
        suspend_member(access.session, access.principal, member, reason=typed, auth=auth),
        typed=typed,
    )


@post([f"{path}/confirm" for path in _ONE], opt=_INVITE | STEP_UP, include_in_schema=False)
async def confirm_member_page(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]) -> Response[Any]:
    confirming = confirm_member(access.session, access.principal, member_id=member_id, now=access.now)
    return await _change(access, auth, member_id, confirming)


@post([f"{path}/resume" for path in _ONE], opt=_INVITE | STEP_UP, include_in_schema=False)
async def resume_member_page(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]) -> Response[Any]:
    member = await get_member(access.session, member_id)
    return await _change(access, auth, member_id, resume_member(access.session, access.principal, member, auth=auth))


@post([f"{path}/roles/{{role:str}}/give" for path in _ONE], opt=_ASSIGN, include_in_schema=False)
async def assign_role_page(
    access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID], role: FromPath[str]
) -> Response[Any]:
    member = await get_member(access.session, member_id)
    assigning = assign_to_member(access.session, access.principal, member, role=role, auth=auth, new_id=new_id)
    return await _change(access, auth, member_id, assigning)


@post([f"{path}/roles/{{role:str}}/take" for path in _ONE], opt=_ASSIGN, include_in_schema=False)
async def remove_role_page(
    access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID], role: FromPath[str]
) -> Response[Any]:
    member = await get_member(access.session, member_id)
    revoking = revoke_from_member(access.session, access.principal, member, role=role, auth=auth, new_id=new_id)
    return await _change(access, auth, member_id, revoking)


@post("/clients/{client:str}/suspend", opt=_SUSPEND | STEP_UP, include_in_schema=False)
async def suspend_client_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = await _typed(request)
    refusal = await run_action(access.session, suspend_client(access.session, reason=typed, now=access.now))
    return (
        redirect_to(access, "/members", done=translate("Saved"))
        if refusal is None
        else await _members(access, MEMBERS.parse({}), refusal, typed=typed)
    )


@post("/clients/{client:str}/resume", opt=_SUSPEND, include_in_schema=False)
async def resume_client_page(access: OpenAccess, auth: OpenAuth) -> Response[Any]:
    refusal = await run_action(access.session, resume_client(access.session, auth, reason="resumed", now=access.now))
    return (
        redirect_to(access, "/members", done=translate("Saved"))
        if refusal is None
        else await _members(access, MEMBERS.parse({}), refusal)
    )


ADMINISTRATION_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_members_page,
    export_page(MEMBERS, _ROOTS, opt=_READ),
    show_member_page,
    sign_out_member_page,
    create_device_link_page,
    suspend_member_page,
    confirm_member_page,
    resume_member_page,
    assign_role_page,
    remove_role_page,
    suspend_client_page,
    resume_client_page,
)


async def _change(
    access: Access, auth: AuthServices, member_id: UUID, act: Awaitable[object], *, typed: str = ""
) -> Response[Any]:
    """Run the action and redirect to the member's page, with the reason if the action was refused."""
    refusal = await run_action(access.session, act)
    if refusal is None:
        return redirect_to(access, f"/members/{member_id}", done=translate("Saved"))
    return await render_member(access, auth, member_id, refusal, typed=typed)


def _about_reason(refusal: DomainError | None) -> bool:
    return isinstance(refusal, InvalidInput) and refusal.extra.get("field") == "reason"


async def _typed(request: AnyRequest) -> str:
    """The typed reason, with line breaks counted as one character."""
    return str((await request.form()).get("reason", "")).replace("\r\n", "\n")


async def render_member(  # noqa: PLR0913 - the input of either dialog
    access: Access,
    auth: AuthServices,
    member_id: UUID,
    refusal: DomainError | None = None,
    *,
    typed: str = "",
    looking: LookForm | None = None,
) -> Template:
    member = await get_member(access.session, member_id)
    held = (await list_assignments(access.session, access.scope)).get(str(member.id), set())
    index = await auth.policies.index_for(access.session, access.scope)
    context = {
        "row": MemberRow(member, (), access.now),
        "held": held_rows(access, index, member, held),
        "offered": offered_rows(access, index, member, held),
        "unconfirmed": needs_confirmation(member),
        "may_confirm": may_confirm(access.principal, member),
        "linked_since": await linked_since(access.session, member_id),
        "looking": looking or LookForm(),
        **_refused(access, None if looking and looking.errors else refusal, typed),
    }
    return render_page(access, "tenants/member.html", member.name, context, refusal=refusal)


async def _members(
    access: Access, listed: ListInput, refusal: DomainError | None = None, *, typed: str = ""
) -> Template:
    found = ResultPage[Member]([]) if listed.refusal else await list_members(access.session, listed.query)
    held = await list_assignments(access.session, access.scope)
    page = found.with_items(member_rows(found.items, held, access.now, await role_names(access.session)))
    context = {
        "listed": list_view(MEMBERS, listed, page, f"{access.root}/members"),
        "waiting": await count_waiting(access.session, now=access.now),
        "client": access.client,
        **_refused(access, refusal, typed),
    }
    return render_page(access, "tenants/members.html", translate("Members"), context, refusal=refusal or listed.refusal)


def _refused(access: Access, refusal: DomainError | None, typed: str) -> dict[str, object]:
    """A refusal: beside the reason's field if it is about the reason, else above the page."""
    about_reason = refusal is not None and _about_reason(refusal)
    return {
        "me": access.principal.id,
        "refused": None if about_reason else refusal,
        "reason": typed,
        "reason_error": refusal.detail if refusal is not None and about_reason else "",
        "reason_limit": LONGEST_REASON,
    }
