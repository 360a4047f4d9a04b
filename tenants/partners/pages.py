"""Pages of a client's trading partners: the list, and the form of one."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.partners.manage import (
    change_partner,
    create_partner,
    list_partner_members,
    resume_partner,
    suspend_partner,
    view_partners,
)
from tenants.partners.schemas import PartnerView
from tenants.permissions import TenantPermission
from tenants.states import PartnerKind
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_ALL: Final = "/clients/{client:str}/partners"
_ONE: Final = f"{_ALL}/{{partner_id:uuid}}"
_READ: Final = {"permission": TenantPermission.READ_MEMBERS}
_WRITE: Final = {"permission": TenantPermission.INVITE_MEMBERS}


@get(_ALL, name="partners", opt=_READ, include_in_schema=False)
async def list_partners_page(access: OpenAccess) -> Response[Any]:
    context = {"partners": await view_partners(access.session)}
    return render_page(access, "tenants/partners.html", translate("Trading partners"), context)


@get(f"{_ALL}/new", opt=_WRITE, include_in_schema=False)
async def new_partner_page(access: OpenAccess) -> Response[Any]:
    return await _form(access, None, {"name": "", "kind": str(PartnerKind.RESELLER)})


@post(f"{_ALL}/new", opt=_WRITE, include_in_schema=False)
async def create_partner_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = await _typed(request)

    async def create() -> None:
        await create_partner(access.session, partner_id=new_id(), name=typed["name"], kind=_kind(typed), now=access.now)

    refusal = await run_action(access.session, create())
    if refusal is not None:
        return await _form(access, None, typed, refusal)
    return redirect_to(access, "/partners", done=translate("Saved"))


@get(_ONE, name="partner", opt=_READ, include_in_schema=False)
async def show_partner_page(access: OpenAccess, partner_id: FromPath[UUID]) -> Response[Any]:
    (found,) = await view_partners(access.session, partner_id)
    return await _form(access, found, {"name": found.name, "kind": str(found.kind)})


@post(_ONE, opt=_WRITE, include_in_schema=False)
async def change_partner_page(request: AnyRequest, access: OpenAccess, partner_id: FromPath[UUID]) -> Response[Any]:
    typed = await _typed(request)

    async def change() -> None:
        await change_partner(access.session, partner_id, name=typed["name"], kind=_kind(typed), now=access.now)

    return await _change(access, partner_id, change(), typed)


@post(f"{_ONE}/suspend", opt=_WRITE, include_in_schema=False)
async def suspend_partner_page(access: OpenAccess, partner_id: FromPath[UUID]) -> Response[Any]:
    return await _change(access, partner_id, suspend_partner(access.session, partner_id, now=access.now))


@post(f"{_ONE}/resume", opt=_WRITE | STEP_UP, include_in_schema=False)
async def resume_partner_page(access: OpenAccess, partner_id: FromPath[UUID]) -> Response[Any]:
    return await _change(access, partner_id, resume_partner(access.session, partner_id, now=access.now))


PARTNER_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_partners_page,
    new_partner_page,
    create_partner_page,
    show_partner_page,
    change_partner_page,
    suspend_partner_page,
    resume_partner_page,
)


async def _typed(request: AnyRequest) -> dict[str, str]:
    form = await request.form()
    return {name: str(form.get(name, "")) for name in ("name", "kind")}


def _kind(typed: Mapping[str, str]) -> PartnerKind:
    """Raises InvalidInput."""
    try:
        return PartnerKind.of(typed["kind"])
    except ValueError:
        raise InvalidInput(N_("Choose one of the kinds."), field="kind") from None


async def _change(
    access: Access, partner_id: UUID, act: Awaitable[object], typed: Mapping[str, str] | None = None
) -> Response[Any]:
    refusal = await run_action(access.session, act)
    if refusal is None:
        return redirect_to(access, f"/partners/{partner_id}", done=translate("Saved"))
    (found,) = await view_partners(access.session, partner_id)
    return await _form(access, found, typed or {"name": found.name, "kind": str(found.kind)}, refusal)


async def _form(
    access: Access, partner: PartnerView | None, typed: Mapping[str, str], refusal: DomainError | None = None
) -> Response[Any]:
    field = "" if refusal is None else str(refusal.extra.get("field", "name"))
    context = {
        "partner": partner,
        "members": [] if partner is None else await list_partner_members(access.session, partner.id),
        "typed": typed,
        "errors": {"name": "", "kind": ""} | ({field: refusal.detail} if refusal else {}),
        "summary": [(field, refusal.detail)] if refusal else [],
        "kinds": [(str(one), translate(one.label)) for one in PartnerKind],
    }
    title = translate("New trading partner") if partner is None else partner.name
    return render_page(access, "tenants/partner.html", title, context, refusal=refusal)
