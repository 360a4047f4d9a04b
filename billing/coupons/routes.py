"""API of coupons: the MSP's, and those of a client."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from billing.coupons.client_coupons import end_coupon, load_client_coupons
from billing.coupons.coupons import create_coupon, retire_coupon
from billing.coupons.give import give_as_staff
from billing.coupons.lists import COUPONS
from billing.coupons.schemas import (
    ClientCoupons,
    CouponCode,
    CouponCreated,
    CouponInput,
    EndCouponInput,
    GiveCouponInput,
)
from billing.permissions import BillingPermission
from foundation.ids import new_id
from foundation.web.api import post
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_COUPONS: Final = "/api/v1/coupons"
_CLIENT: Final = "/api/v1/clients/{client:str}/coupons"
_WRITE: Final = {"permission": BillingPermission.WRITE_PRICE_BOOKS}
_READ_CLIENT: Final = {"permission": BillingPermission.READ_INVOICES}
_GIVE: Final = {"permission": BillingPermission.ISSUE_INVOICE}
_TAGS: Final = ["coupons"]

COUPON_LIST: Final = list_route(
    COUPONS,
    _COUPONS,
    opt={"permission": BillingPermission.READ_PRICE_BOOKS, "fleet": True},
    tags=_TAGS,
    about="List your coupons, latest first, with the number of clients that have or had each.",
)


@post(_COUPONS, opt=_WRITE, tags=_TAGS)
async def create_new_coupon(access: OpenAccess, data: JSONBody[CouponInput]) -> CouponCreated:
    """Create a coupon. Its terms cannot be changed later."""
    return CouponCreated(await create_coupon(access.session, data, now=access.now, new_id=new_id))


@post(f"{_COUPONS}/retire", opt=_WRITE, tags=_TAGS, status_code=200)
async def retire_known_coupon(access: OpenAccess, data: JSONBody[CouponCode]) -> CouponCreated:
    """Retire a coupon: no more clients get it, and those that have it keep it."""
    await retire_coupon(access.session, data.code, now=access.now)
    return CouponCreated(data.code)


@get(_CLIENT, opt=_READ_CLIENT, tags=_TAGS)
async def show_client_coupons(access: OpenAccess) -> ClientCoupons:
    """Return the coupons of a client, with their use by invoice."""
    return ClientCoupons(await load_client_coupons(access.session))


@post(_CLIENT, opt=_GIVE, tags=_TAGS)
async def give_client_coupon(access: OpenAccess, data: JSONBody[GiveCouponInput]) -> ClientCoupons:
    """Give a coupon to a client. Its drafts are updated within moments."""
    await give_as_staff(access, data, new_id=new_id)
    return ClientCoupons(await load_client_coupons(access.session))


@post(f"{_CLIENT}/end", opt=_GIVE, tags=_TAGS, status_code=200)
async def end_client_coupon(access: OpenAccess, data: JSONBody[EndCouponInput]) -> ClientCoupons:
    """End a coupon of a client. Finalised invoices keep their discounts."""
    await end_coupon(access.session, data, now=access.now, new_id=new_id)
    return ClientCoupons(await load_client_coupons(access.session))


COUPON_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    COUPON_LIST, create_new_coupon, retire_known_coupon, show_client_coupons, give_client_coupon, end_client_coupon,
)  # fmt: skip
