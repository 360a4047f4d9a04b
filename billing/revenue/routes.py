"""The API of revenue."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from billing.permissions import BillingPermission
from billing.revenue.report import report_revenue
from billing.revenue.schemas import RevenueReport
from tenants.web.dependencies import OpenAccess


@get("/api/v1/revenue", opt={"permission": BillingPermission.READ_PROFIT, "fleet": True}, tags=["profit"])
async def show_revenue(access: OpenAccess, month: FromQuery[str] = "", of: FromQuery[str] = "") -> RevenueReport:
    """Return the revenue of twelve months by currency (invoiced, recurring, usage), its changes by client (new,
    expansion, contraction, lost) with churn, outstanding amounts by age, and deferred ones. `month`: the last of the
    twelve, such as 2026-11; the last one if not given. `of`: `recurring` or `invoiced`, the basis of the changes.
    """
    return await report_revenue(access.session, month, of, now=access.now)


REVENUE_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (show_revenue,)
