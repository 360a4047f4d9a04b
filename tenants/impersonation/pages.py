"""Pages of impersonation: the dialog on a member's page, and the button of the banner."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from branding.hosts import request_origin
from branding.pages import ShownBrand
from foundation.errors import InvalidInput
from foundation.web.actions import run_action
from foundation.web.requests import PUBLIC_FORM_BYTES
from tenants.auth.csrf import FIELD, require_same_site
from tenants.auth.end_impersonation import end_impersonation
from tenants.auth.impersonation import ENDS_IMPERSONATION, EndCause
from tenants.auth.pages import OpenAuth, find_signed_in, form_text
from tenants.auth.step_up import STEP_UP
from tenants.impersonation.begin import begin_impersonation
from tenants.impersonation.start import NewImpersonation
from tenants.members.pages import render_member
from tenants.members.views import LookForm
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_PATH: Final = "/clients/{client:str}/members/{member_id:uuid}/impersonation"
_END: Final = {"public": True} | ENDS_IMPERSONATION
_HEADERS: Final = {"Cache-Control": "no-store"}


@post(_PATH, opt={"permission": TenantPermission.IMPERSONATE} | STEP_UP, include_in_schema=False)
async def start_impersonation_page(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]
) -> Response[Any]:
    """Begin, and open the member's start page."""
    form = await request.form()
    minutes, reason = form_text(form, "minutes"), form_text(form, "reason")
    wanted = NewImpersonation(int(minutes) if minutes.isascii() and minutes.isdigit() else 0, reason)
    refusal = await run_action(access.session, begin_impersonation(access, auth, member_id, wanted))
    if refusal is None:
        return Redirect("/", status_code=303, headers=_HEADERS)
    field = str(refusal.extra.get("field", "")) if isinstance(refusal, InvalidInput) else ""
    looking = LookForm(minutes, reason.replace("\r\n", "\n"), {field: refusal.detail} if field else {})
    return await render_member(access, auth, member_id, refusal, looking=looking)


@post("/impersonation/end", opt=_END, include_in_schema=False, request_max_body_size=PUBLIC_FORM_BYTES)
async def end_impersonation_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    """End the impersonation, and return to the page on which it began; to the start page if it has ended already."""
    who = await find_signed_in(request, brand, auth)
    if who is None:
        return Redirect("/sign-in", status_code=303, headers=_HEADERS)
    acting = who.session.acting
    if acting is None:
        return Redirect("/", status_code=303, headers=_HEADERS)
    require_same_site(
        method=request.method, headers=request.headers, origin=request_origin(request.scope),
        token=form_text(await request.form(), FIELD), secret=who.session.form_secret,
    )  # fmt: skip
    await end_impersonation(auth, who.session, EndCause.ENDED)
    return Redirect(f"/clients/{acting.client}/members/{acting.member_id}", status_code=303, headers=_HEADERS)


IMPERSONATION_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (start_impersonation_page, end_impersonation_page)
