"""Pages of an account's members and their roles, and of suspending a member or a client."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from foundation.database.savepoint import savepoint
from foundation.errors import Conflict, DomainError, Forbidden, InvalidInput
from foundation.ids import new_id
from foundation.reasons import LONGEST_REASON
from foundation.web.flash import done_cookies
from policy.permissions import PolicyPermission
from policy.publishing import list_assignments
from tenants.access import Access
from tenants.accounts import resume_client, suspend_client
from tenants.auth.pages import OpenAuth
from tenants.invitations.issue import give_role, resume_member, suspend_member, take_role
from tenants.invitations.queries import count_waiting
from tenants.members.confirmation import confirm_member, may_confirm, needs_confirmation
from tenants.members.repository import get_member, list_members, sign_out_everywhere
from tenants.members.role_views import held_rows, offered_rows
from tenants.members.views import MemberRow, member_rows
from tenants.permissions import TenantPermission
from tenants.routes import OpenAccess

AnyRequest = Request[Any, Any, Any]
HEADERS: Final = {"Vary": "HX-Request, HX-Boosted", "Cache-Control": "no-store"}
_ROOTS: Final = ["/members", "/clients/{client:str}/members"]
_ONE: Final = [f"{path}/{{member_id:uuid}}" for path in _ROOTS]
_SUSPEND: Final = {"permission": TenantPermission.SUSPEND_CLIENT}
_INVITE: Final = {"permission": TenantPermission.INVITE_MEMBERS}
_ASSIGN: Final = {"permission": PolicyPermission.ASSIGN_ROLE}
_LONGEST_PAGE: Final = 100


@get(_ROOTS, name="members", opt={"permission": TenantPermission.READ_MEMBERS}, include_in_schema=False)
async def members_page(access: OpenAccess, cursor: FromQuery[str] = "") -> Response[Any]:
    return await _members(access, cursor=cursor.replace("\x00", ""))


@get(_ONE, name="member", opt={"permission": TenantPermission.READ_MEMBERS}, include_in_schema=False)
async def member_page(access: OpenAccess, member_id: FromPath[UUID]) -> Response[Any]:
    return await render_member(access, member_id)


@post([f"{path}/sign-out" for path in _ONE], opt=_INVITE, include_in_schema=False)
async def sign_out_member(access: OpenAccess, member_id: FromPath[UUID]) -> Response[Any]:
    return await _change(access, member_id, sign_out_everywhere(access.session, member_id=member_id, now=access.now))


@post([f"{path}/suspend" for path in _ONE], opt=_INVITE, include_in_schema=False)
async def suspend_member_page(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]
) -> Response[Any]:
    member = await get_member(access.session, member_id)
    typed = await _typed(request)
    return await _change(
        access,
        member_id,
        suspend_member(access.session, access.principal, member, reason=typed, auth=auth),
        typed=typed,
    )


@post([f"{path}/confirm" for path in _ONE], opt=_INVITE, include_in_schema=False)
async def confirm_member_page(access: OpenAccess, member_id: FromPath[UUID]) -> Response[Any]:
    confirming = confirm_member(access.session, access.principal, member_id=member_id, now=access.now)
    return await _change(access, member_id, confirming)


@post([f"{path}/resume" for path in _ONE], opt=_INVITE, include_in_schema=False)
async def resume_member_page(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]) -> Response[Any]:
    member = await get_member(access.session, member_id)
    return await _change(access, member_id, resume_member(access.session, access.principal, member, auth=auth))


@post([f"{path}/roles/{{role:str}}/give" for path in _ONE], opt=_ASSIGN, include_in_schema=False)
async def give_role_page(
    access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID], role: FromPath[str]
) -> Response[Any]:
    member = await get_member(access.session, member_id)
    giving = give_role(access.session, access.principal, member, role=role, clock=auth.clock, new_id=new_id)
    return await _change(access, member_id, giving)


@post([f"{path}/roles/{{role:str}}/take" for path in _ONE], opt=_ASSIGN, include_in_schema=False)
async def take_role_page(
    access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID], role: FromPath[str]
) -> Response[Any]:
    member = await get_member(access.session, member_id)
    taking = take_role(access.session, access.principal, member, role=role, clock=auth.clock, new_id=new_id)
    return await _change(access, member_id, taking)


@post("/clients/{client:str}/suspend", opt=_SUSPEND, include_in_schema=False)
async def suspend_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = await _typed(request)
    refusal = await run_action(access, suspend_client(access.session, reason=typed, now=access.now))
    return redirect_to(access) if refusal is None else await _members(access, refusal, typed=typed)


@post("/clients/{client:str}/resume", opt=_SUSPEND, include_in_schema=False)
async def resume_page(access: OpenAccess, auth: OpenAuth) -> Response[Any]:
    refusal = await run_action(access, resume_client(access.session, auth, reason="resumed", now=access.now))
    return redirect_to(access) if refusal is None else await _members(access, refusal)


ADMINISTRATION_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    members_page,
    member_page,
    sign_out_member,
    suspend_member_page,
    confirm_member_page,
    resume_member_page,
    give_role_page,
    take_role_page,
    suspend_page,
    resume_page,
)


async def _change(access: Access, member_id: UUID, act: Awaitable[object], *, typed: str = "") -> Response[Any]:
    """Run the act and redirect to the member's page, with the reason if the act was refused."""
    refusal = await run_action(access, act)
    if refusal is None:
        return redirect_to(access, f"/{member_id}")
    return await render_member(access, member_id, refusal, typed=typed)


async def run_action(access: Access, act: Awaitable[object]) -> DomainError | None:
    """Run `act` in a savepoint; returns the reason of a refusal, after which nothing of the act remains."""
    try:
        async with savepoint(access.session):
            await act
    except (Conflict, Forbidden, InvalidInput) as refusal:
        return refusal
    return None


def redirect_to(access: Access, where: str = "", *, done: str = "Saved") -> Redirect:
    """Redirect to the list of members, or to a page below it."""
    return Redirect(
        f"{root_of(access)}/members{where}", status_code=303, headers=dict(HEADERS), cookies=done_cookies(done)
    )


def _about_reason(refusal: DomainError | None) -> bool:
    return isinstance(refusal, InvalidInput) and refusal.extra.get("field") == "reason"


async def _typed(request: AnyRequest) -> str:
    """The typed reason, with line breaks counted as one character."""
    return str((await request.form()).get("reason", "")).replace("\r\n", "\n")


async def render_member(
    access: Access, member_id: UUID, refusal: DomainError | None = None, *, typed: str = ""
) -> Template:
    member = await get_member(access.session, member_id)
    held = (await list_assignments(access.session, access.scope)).get(str(member.id), set())
    context: Mapping[str, object] = {
        "page": access.page(member.name),
        "root": root_of(access),
        "row": MemberRow(member, (), access.now),
        "held": held_rows(access, member, held),
        "offered": offered_rows(access, member, held),
        "may": access.may,
        "me": access.principal.id,
        "unconfirmed": needs_confirmation(member),
        "may_confirm": may_confirm(access.principal, member),
        "refusal": None if _about_reason(refusal) else refusal,
        "reason": typed,
        "reason_error": refusal.detail if refusal is not None and _about_reason(refusal) else "",
        "reason_limit": LONGEST_REASON,
    }
    return render_page("tenants/member.html", context, refusal)


async def _members(
    access: Access, refusal: DomainError | None = None, *, cursor: str = "", typed: str = ""
) -> Template:
    members = await list_members(access.session, cursor=cursor, limit=_LONGEST_PAGE)
    held = await list_assignments(access.session, access.scope)
    context: Mapping[str, object] = {
        "page": access.page("Members"),
        "root": root_of(access),
        "rows": member_rows(members, held, access.now),
        "waiting": await count_waiting(access.session, now=access.now),
        "first_page": not cursor,
        "next": members[-1].email if len(members) == _LONGEST_PAGE else "",
        "client": access.client,
        "may": access.may,
        "me": access.principal.id,
        "refusal": None if _about_reason(refusal) else refusal,
        "reason": typed,
        "reason_error": refusal.detail if refusal is not None and _about_reason(refusal) else "",
        "reason_limit": LONGEST_REASON,
    }
    return render_page("tenants/members.html", context, refusal)


def render_page(template: str, context: Mapping[str, object], refusal: DomainError | None = None) -> Template:
    status = 200 if refusal is None else int(refusal.status)
    return Template(template, context=dict(context), status_code=status, headers=dict(HEADERS))


def root_of(access: Access) -> str:
    return "" if access.client is None else f"/clients/{access.client.slug}"
