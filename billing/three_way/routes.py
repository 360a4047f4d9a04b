"""The API of the three-way check."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, JSONBody

from billing.periods import month_before
from billing.permissions import BillingPermission
from billing.three_way.check import check_month, load_difference
from billing.three_way.explain import explain
from billing.three_way.schemas import DifferenceDetail, Explained, ExplanationInput, ThreeWayCheck
from foundation.errors import InvalidInput, NotFound
from foundation.ids import new_id
from foundation.marks import N_
from foundation.web.api import post
from tenants.accounts import get_client_by_slug
from tenants.web.dependencies import OpenAccess

_PATH: Final = "/api/v1/three-way-check"
_READ: Final = {"permission": BillingPermission.READ_VENDOR_BILLS, "fleet": True}
_TAGS: Final = ["vendor bills"]


@get(_PATH, opt=_READ, tags=_TAGS)
async def show_three_way_check(access: OpenAccess, month: FromQuery[str] = "") -> ThreeWayCheck:
    """Compare vendors' bills, usage and clients' bills of a month. Only differences are returned, those with the
    largest amount first. `month`: such as 2026-11; the last one if not given.
    """
    return await check_month(access.session, month or f"{month_before(access.now).start:%Y-%m}")


@get(f"{_PATH}/difference", opt=_READ, tags=_TAGS)
async def show_three_way_difference(
    access: OpenAccess, month: FromQuery[str], client: FromQuery[str], product: FromQuery[str]
) -> DifferenceDetail:
    """Return a client's product in a month, down to the rows of vendor bills and invoices. `client`: its short name."""
    try:
        found = await get_client_by_slug(access.session, client)
    except NotFound:
        raise InvalidInput(N_("There is no client with this short name."), field="client") from None
    return await load_difference(access.session, month, found.tenant_id, product)


@post(f"{_PATH}/explanations", opt={"permission": BillingPermission.WRITE_VENDOR_BILLS}, tags=_TAGS)
async def explain_difference(access: OpenAccess, data: JSONBody[ExplanationInput]) -> Explained:
    """Accept a difference with a reason. It is open again if one of its quantities changes."""
    return Explained(await explain(access, data, new_id=new_id))


CHECK_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_three_way_check, show_three_way_difference, explain_difference,
)  # fmt: skip
