"""Pages of monthly reports, for the screen and for paper."""

from decimal import Decimal
from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from billing.periods import month_before, parse_month
from billing.web.dependencies import KnownMeters
from branding.formats import format_percent
from foundation.audit.chain import append_audit
from foundation.i18n.localizer import translate
from foundation.web.csv_export import CSV_TYPE, content_disposition
from governance.monthly_reports.file import write_file
from governance.monthly_reports.report import list_months, name_month
from governance.monthly_reports.routes import READ, load_report
from governance.monthly_reports.schemas import MonthlyReport
from governance.web.render import render_page
from tenants.audit_actions import TenantAction
from tenants.web.dependencies import OpenAccess

_ROOT: Final = "/clients/{client:str}/months"


@get(_ROOT, opt=READ, include_in_schema=False)
async def list_months_page(access: OpenAccess) -> Response[Any]:
    found = await list_months(access.session, now=access.now)
    months = [(one, parse_month(one.month).start) for one in found.months]
    return render_page(access, "months.html", translate("Monthly reports"), {"months": months})


@get(f"{_ROOT}/{{month:str}}", opt=READ, include_in_schema=False)
async def show_monthly_report_page(access: OpenAccess, meters: KnownMeters, month: FromPath[str]) -> Response[Any]:
    report = await load_report(access, month)
    named = parse_month(month)
    known = {one.month for one in (await list_months(access.session, now=access.now)).months}
    earlier = name_month(month_before(named.start))
    context = {
        "report": report,
        "figures": report.figures,
        "before": report.before,
        "named": named.start,
        "earlier": earlier if earlier in known else "",
        "earlier_named": month_before(named.start).start,
        "later": f"{named.end:%Y-%m}" if report.is_complete else "",
        "exceptions_before": {one.code: one for one in report.before.exceptions},
        "usage": _usage(report, meters),
        "share_text": _write_share,
    }
    return render_page(access, "month.html", translate("Monthly report"), context)


@get(f"{_ROOT}/{{month:str}}/report.csv", opt=READ, include_in_schema=False)
async def download_monthly_report(access: OpenAccess, month: FromPath[str]) -> Response[bytes]:
    report = await load_report(access, month)
    append_audit(
        access.session, action=TenantAction.LIST_EXPORTED, subject="list:monthly-report",
        data={"format": "csv", "filter": {"month": report.figures.month}}, at=access.now,
    )  # fmt: skip
    name = f"{access.require_client().slug} {report.figures.month}.csv"
    headers = {"Content-Disposition": content_disposition(name), "Cache-Control": "no-store"}
    return Response(write_file(report), media_type=CSV_TYPE, headers=headers)


def _write_share(percent: Decimal) -> str:
    """Format a share with its two decimals; without decimals if it is a whole number."""
    return format_percent(percent / 100, 0 if percent == percent.to_integral_value() else 2)


def _usage(report: MonthlyReport, meters: KnownMeters) -> list[tuple[str, str, str]]:
    """Label, quantity, and that of the month before, of each meter used in one of them."""
    used = {one.meter: one.quantity for one in report.figures.usage}
    earlier = {one.meter: one.quantity for one in report.before.usage}
    return [
        (
            meters.label_of(one),
            meters.write_quantity(one, used.get(one, 0)),
            meters.write_quantity(one, earlier.get(one, 0)),
        )
        for one in sorted(used | earlier, key=meters.label_of)
    ]


MONTH_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_months_page,
    show_monthly_report_page,
    download_monthly_report,
)
