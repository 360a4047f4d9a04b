"""The API of a client's limits, and of reservations."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from billing.limits.allowance import release, reserve, settle
from billing.limits.budgets import read_budgets
from billing.limits.manage import set_limit
from billing.limits.schemas import (
    Budgets,
    LimitInput,
    ReleaseInput,
    ReservationInput,
    ReservationView,
    SettlementInput,
)
from billing.permissions import BillingPermission
from billing.web.dependencies import KnownMeters
from foundation.ids import new_id
from foundation.web.api import post
from tenants.web.dependencies import OpenAccess

_LIMITS: Final = "/api/v1/clients/{client:str}/limits"
_RESERVATIONS: Final = "/api/v1/clients/{client:str}/usage-reservations"
_READ: Final = {"permission": BillingPermission.READ_USAGE}
_SET: Final = {"permission": BillingPermission.ISSUE_INVOICE}
_REPORT: Final = {"permission": BillingPermission.REPORT_USAGE}
_TAGS: Final = ["usage"]


@get(_LIMITS, opt=_READ, tags=_TAGS)
async def show_limits(access: OpenAccess) -> Budgets:
    """Return a client's limits with this month's use, reservations and forecast."""
    return await read_budgets(access.session, now=access.now)


@post(_LIMITS, opt=_SET, tags=_TAGS, status_code=200)
async def set_client_limit(access: OpenAccess, meters: KnownMeters, data: JSONBody[LimitInput]) -> Budgets:
    """Set the limits of a meter, or of `spend`, the month's cost, in place of earlier ones."""
    await set_limit(access.session, meters, data, now=access.now)
    return await read_budgets(access.session, now=access.now)


@post(_RESERVATIONS, opt=_REPORT, tags=_TAGS)
async def reserve_usage(access: OpenAccess, meters: KnownMeters, data: JSONBody[ReservationInput]) -> ReservationView:
    """Reserve use before it happens, with the largest quantities expected. A refusal names the exceeded budget."""
    return await reserve(access.session, meters, data, now=access.now, new_id=new_id)


@post(f"{_RESERVATIONS}/settle", opt=_REPORT, tags=_TAGS, status_code=200)
async def settle_usage(access: OpenAccess, meters: KnownMeters, data: JSONBody[SettlementInput]) -> ReservationView:
    """Count the actual quantities of a reservation. They enter the usage ledger and are billed."""
    return await settle(access.session, meters, data, now=access.now)


@post(f"{_RESERVATIONS}/release", opt=_REPORT, tags=_TAGS, status_code=200)
async def release_usage(access: OpenAccess, data: JSONBody[ReleaseInput]) -> ReservationView:
    """End a reservation whose use did not happen."""
    return await release(access.session, data.key, now=access.now)


LIMIT_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_limits, set_client_limit, reserve_usage, settle_usage, release_usage,
)  # fmt: skip
