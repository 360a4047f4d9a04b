"""Pages of coupons: the MSP's, and those of a client with their use."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from billing.coupons.client_coupons import end_coupon, load_client_coupons
from billing.coupons.coupons import create_coupon, retire_coupon
from billing.coupons.forms import read_coupon
from billing.coupons.give import give_as_staff
from billing.coupons.lists import COUPONS
from billing.coupons.schemas import EndCouponInput, GiveCouponInput
from billing.coupons.terms import DURATION_LABELS
from billing.coupons.wording import write_duration, write_worth
from billing.permissions import BillingPermission
from billing.web.forms import read_typed
from branding.formats import format_month
from canonical.money import Money
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
Typed = Mapping[str, str]
_COUPONS: Final = "/coupons"
_CLIENT: Final = "/clients/{client:str}/coupons"
_READ: Final = {"permission": BillingPermission.READ_PRICE_BOOKS, "fleet": True}
_WRITE: Final = {"permission": BillingPermission.WRITE_PRICE_BOOKS}
_READ_CLIENT: Final = {"permission": BillingPermission.READ_INVOICES}
_GIVE: Final = {"permission": BillingPermission.ISSUE_INVOICE}


@get(_COUPONS, name="coupons", opt=_READ, dependencies=COUPONS.page_parameters, include_in_schema=False)
async def list_coupons_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _coupons_page(access, listed, {})


@post(_COUPONS, opt=_WRITE, dependencies=COUPONS.page_parameters, include_in_schema=False)
async def create_coupon_page(request: AnyRequest, access: OpenAccess, listed: ListParameters) -> Response[Any]:
    typed = await read_typed(request)

    async def create() -> None:
        await create_coupon(access.session, read_coupon(typed), now=access.now, new_id=new_id)

    refusal = await run_action(access.session, create())
    if refusal is not None:
        await access.enter_fleet()
        return await _coupons_page(access, listed, typed, refusal)
    return redirect_to(access, _COUPONS, done=translate("Coupon created"))


@post(f"{_COUPONS}/retire", opt=_WRITE, dependencies=COUPONS.page_parameters, include_in_schema=False)
async def retire_coupon_page(request: AnyRequest, access: OpenAccess, listed: ListParameters) -> Response[Any]:
    code = (await read_typed(request)).get("code", "")
    refusal = await run_action(access.session, retire_coupon(access.session, code, now=access.now))
    if refusal is not None:
        await access.enter_fleet()
        return await _coupons_page(access, listed, {}, refusal)
    return redirect_to(access, _COUPONS, done=translate("Coupon retired"))


@get(_CLIENT, name="client_coupons", opt=_READ_CLIENT, include_in_schema=False)
async def show_client_coupons_page(access: OpenAccess) -> Response[Any]:
    return await _client_page(access, {})


@post(_CLIENT, opt=_GIVE, include_in_schema=False)
async def give_coupon_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = await read_typed(request)
    given = GiveCouponInput(typed.get("code", ""), typed.get("reason", ""), typed.get("from_month", ""))
    refusal = None
    try:
        await give_as_staff(access, given, new_id=new_id)
    except DomainError as wrong:
        if wrong.status not in (409, 422):
            raise
        refusal = wrong
    if refusal is not None:
        return await _client_page(access, typed, refusal)
    return redirect_to(access, "/coupons", done=translate("Coupon given"))


@post(f"{_CLIENT}/end", opt=_GIVE, include_in_schema=False)
async def end_coupon_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = await read_typed(request)
    ended = EndCouponInput(typed.get("code", ""), typed.get("reason", ""))
    refusal = await run_action(access.session, end_coupon(access.session, ended, now=access.now, new_id=new_id))
    if refusal is not None:
        return await _client_page(access, {}, refusal)
    return redirect_to(access, "/coupons", done=translate("Coupon ended"))


COUPON_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_coupons_page,
    export_page(COUPONS, _COUPONS, opt=_READ),
    create_coupon_page,
    retire_coupon_page,
    show_client_coupons_page,
    give_coupon_page,
    end_coupon_page,
)


async def _coupons_page(
    access: Access, listed: ListParameters, typed: Typed, refusal: DomainError | None = None
) -> Response[Any]:
    found = await load_page(access, COUPONS, listed)
    context = {
        "listed": list_view(COUPONS, listed, found, _COUPONS),
        "worth": write_worth,
        "duration": write_duration,
        "durations": [(code.value, translate(label)) for code, label in DURATION_LABELS.items()],
        **_refused(typed, refusal),
    }
    shown = refusal or listed.refusal
    return render_page(access, "billing/coupons.html", translate("Coupons"), context, refusal=shown)


async def _client_page(access: Access, typed: Typed, refusal: DomainError | None = None) -> Response[Any]:
    context = {
        "root": access.root,
        "coupons": await load_client_coupons(access.session),
        "worth": write_worth,
        "duration": write_duration,
        "money": Money,
        "month": _month,
        "this_month": f"{access.now:%Y-%m}",
        "gives": access.principal.is_staff and access.may(BillingPermission.ISSUE_INVOICE),
        **_refused(typed, refusal),
    }
    return render_page(access, "billing/client_coupons.html", translate("Coupons"), context, refusal=refusal)


def _month(day: date) -> str:
    return format_month(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _refused(typed: Typed, refusal: DomainError | None) -> dict[str, object]:
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    return {
        "typed": typed,
        "errors": {field: refusal.detail} if refusal is not None and field else {},
        "refused": refusal if not (field and typed) else None,
    }
