"""The API of profit."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from billing.permissions import BillingPermission
from billing.profit.read import read_profit
from billing.profit.schemas import ProfitReport
from tenants.web.dependencies import OpenAccess


@get("/api/v1/profit", opt={"permission": BillingPermission.READ_PROFIT, "fleet": True}, tags=["profit"])
async def show_profit(
    access: OpenAccess, month: FromQuery[str] = "", by: FromQuery[str] = "", client: FromQuery[str] = ""
) -> ProfitReport:
    """Return a month's profit, the worst first, and that of the last twelve months: amounts invoiced to clients, less
    credit notes, and less the vendors' or the operator's bills. `month`: such as 2026-11; the last one if not given.
    `by`: `client`, `book` or `product`. `client`: the short name of one. Currencies are never added.
    """
    return await read_profit(access.session, month, by, client, now=access.now)


PROFIT_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (show_profit,)
