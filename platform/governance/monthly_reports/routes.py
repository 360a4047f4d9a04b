"""The API of monthly reports."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from billing.permissions import BillingPermission
from governance.monthly_reports.report import list_months, read_report
from governance.monthly_reports.schemas import MonthlyReport, ReportMonths
from governance.permissions import GovernancePermission
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

READ: Final = {"permission": GovernancePermission.READ_DASHBOARD}
_ROOT: Final = "/api/v1/clients/{client:str}/months"
_TAGS: Final = ["monthly reports"]


@get(_ROOT, opt=READ, tags=_TAGS)
async def show_months(access: OpenAccess) -> ReportMonths:
    """List the months that have a report, by the client's calendar, newest first."""
    return await list_months(access.session, now=access.now)


@get(f"{_ROOT}/{{month:str}}", opt=READ, tags=_TAGS)
async def show_monthly_report(access: OpenAccess, month: FromPath[str]) -> MonthlyReport:
    """Return a month such as 2026-11 and the one before: changes by decision, time to decide and to deliver against
    the targets, exceptions by type, approvals by person, and usage, which needs the right to read it.
    """
    return await load_report(access, month)


async def load_report(access: Access, month: str) -> MonthlyReport:
    """Raises: InvalidInput, NotFound."""
    with_usage = access.may(BillingPermission.READ_USAGE)
    return await read_report(access.session, month, now=access.now, with_usage=with_usage)


MONTH_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (show_months, show_monthly_report)
