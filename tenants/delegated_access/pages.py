"""Pages of delegated access: the client's list with its setting, and the request form of staff."""

from collections.abc import Awaitable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect, Template

from branding.formats import format_duration
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.marks import N_
from foundation.reasons import LONGEST_REASON
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from foundation.web.render import redirect_to, render_page
from policy.role_labels import about_role, role_label
from policy.role_repository import role_names
from tenants.access import Access
from tenants.accounts import get_client
from tenants.auth.pages import OpenAuth
from tenants.auth.services import AuthServices
from tenants.auth.step_up import STEP_UP
from tenants.delegated_access.admission import find_grant
from tenants.delegated_access.lists import ACCESS_GRANTS
from tenants.delegated_access.manage import (
    HOURS,
    NewAccessRequest,
    answer_access,
    end_access,
    grantable_roles,
    request_access,
    set_staff_access,
)
from tenants.delegated_access.queries import waiting_request
from tenants.delegated_access.routes import REQUEST
from tenants.permissions import TenantPermission
from tenants.states import AccessState, StaffAccess
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
ROOT: Final = "/clients/{client:str}/access"
_ONE: Final = f"{ROOT}/{{grant_id:uuid}}"
_READ: Final = {"permission": TenantPermission.READ_ACCESS}
_DECIDE: Final = {"permission": TenantPermission.DECIDE_ACCESS} | STEP_UP
_BADGES: Final = {
    AccessState.REQUESTED: "warn",
    AccessState.GRANTED: "neutral",
    AccessState.REFUSED: "bad",
    AccessState.WITHDRAWN: "neutral",
    AccessState.REVOKED: "neutral",
}


@get(ROOT, name="access", opt=_READ, dependencies=ACCESS_GRANTS.page_parameters, include_in_schema=False)
async def list_access_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _list(access, listed)


@post(f"{ROOT}/setting", opt=_DECIDE, include_in_schema=False)
async def set_staff_access_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = str((await request.form()).get("staff_access", ""))

    async def save() -> None:
        if typed not in set(StaffAccess):
            raise InvalidInput(N_("Choose one of the two."), field="staff_access")
        await set_staff_access(access.session, access.principal, StaffAccess.of(typed), now=access.now)

    return await _act(access, save(), translate("Saved"))


@post(f"{_ONE}/answer", opt=_DECIDE, include_in_schema=False)
async def answer_access_page(request: AnyRequest, access: OpenAccess, grant_id: FromPath[UUID]) -> Response[Any]:
    grant = str((await request.form()).get("grant", "")) == "yes"
    answering = answer_access(access.session, access.principal, grant_id, grant=grant, now=access.now)
    return await _act(access, answering, translate("Access granted") if grant else translate("Access refused"))


@post(f"{_ONE}/end", opt=_READ | {"requests_access": True}, include_in_schema=False)
async def end_access_page(access: OpenAccess, grant_id: FromPath[UUID]) -> Response[Any]:
    ending = end_access(access.session, access.principal, grant_id, now=access.now)
    return await _act(access, ending, translate("Access ended"))


@get(f"{ROOT}/request", name="request_access", opt=REQUEST, include_in_schema=False)
async def request_access_form(access: OpenAccess, auth: OpenAuth) -> Response[Any]:
    return await _form(access, auth, {"role": "client_operations", "reason": "", "hours": "4"})


@post(f"{ROOT}/request", opt=REQUEST, include_in_schema=False)
async def request_access_page(request: AnyRequest, access: OpenAccess, auth: OpenAuth) -> Response[Any]:
    form = await request.form()
    typed = {name: str(form.get(name, "")).replace("\r\n", "\n").strip() for name in ("role", "reason", "hours")}
    hours = int(typed["hours"]) if typed["hours"].isdecimal() and len(typed["hours"]) < 5 else 0

    async def ask() -> None:
        index = await auth.policies.index_for(access.session, access.scope)
        wanted = NewAccessRequest(typed["role"], typed["reason"], hours)
        await request_access(access.session, access.principal, wanted, index=index, now=access.now, new_id=new_id)

    refusal = await run_action(access.session, ask())
    if refusal is not None:
        return await _form(access, auth, typed, refusal)
    return redirect_to(access, "/access/request", done=translate("The client has been asked"))


ACCESS_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_access_page,
    export_page(ACCESS_GRANTS, ROOT, opt=_READ),
    set_staff_access_page,
    answer_access_page,
    end_access_page,
    request_access_form,
    request_access_page,
)


async def _act(access: Access, act: Awaitable[object], done: str) -> Response[Any]:
    """Redirect after the action. Staff who end their own access return to the form: the list may be closed to them."""
    refusal = await run_action(access.session, act)
    if access.principal.is_staff and refusal is None:
        return redirect_to(access, "/access/request", done=done)
    if refusal is None:
        return redirect_to(access, "/access", done=done)
    return await _list(access, ACCESS_GRANTS.parse({}), refusal)


async def _list(access: Access, listed: ListInput, refusal: DomainError | None = None) -> Template:
    found = await load_page(access, ACCESS_GRANTS, listed)
    names = await role_names(access.session)
    context = {
        "listed": list_view(ACCESS_GRANTS, listed, found, f"{access.root}/access"),
        "client": await get_client(access.session),
        "settings": [
            (str(StaffAccess.STANDING), translate(StaffAccess.STANDING.label), translate(
                "Members of your service provider enter with the roles of their own account, as often as they need."
            )),
            (str(StaffAccess.ON_REQUEST), translate(StaffAccess.ON_REQUEST.label), translate(
                "They ask for a role and a time, with a reason. You answer, and access ends automatically."
            )),
        ],
        "role_label": partial(role_label, names=names),
        "labels": {str(state): translate(state.label) for state in AccessState},
        "badges": _BADGES,
        "decides": access.may(TenantPermission.DECIDE_ACCESS) and not access.principal.is_staff,
        "me": access.principal.id,
        "refused": refusal,
    }  # fmt: skip
    title = translate("Access of the service provider's staff")
    return render_page(access, "tenants/access.html", title, context, refusal=refusal or listed.refusal)


async def _form(
    access: Access, auth: AuthServices, typed: dict[str, str], refusal: DomainError | None = None
) -> Response[Any]:
    client = access.require_client()
    if not access.principal.is_staff:
        return Redirect(f"{access.root}/access", status_code=303)
    index = await auth.policies.index_for(access.session, access.scope)
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    context = {
        "client": client,
        "standing": client.staff_access == StaffAccess.STANDING,
        "waiting": await waiting_request(access.session, access.principal.id),
        "granted": await find_grant(access.session, access.principal, now=access.now),
        "roles": [(role, _described(role, index.role_names)) for role in grantable_roles(index)],
        "role_label": partial(role_label, names=index.role_names),
        "hours": [(str(number), format_duration(timedelta(hours=number))) for number in HOURS],
        "typed": typed,
        "errors": {"role": "", "reason": "", "hours": ""} | ({field: refusal.detail} if refusal and field else {}),
        "refused": refusal if not field else None,
        "limit": LONGEST_REASON,
    }
    title = translate("Access to {name}", name=client.name)
    return render_page(access, "tenants/access_request.html", title, context, refusal=refusal)


def _described(role: str, names: Mapping[str, str]) -> str:
    about = about_role(role)
    return f"{role_label(role, names)} – {about}" if about else role_label(role, names)
