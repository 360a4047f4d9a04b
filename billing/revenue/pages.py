"""Page of revenue, with its charts and its file."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from markupsafe import Markup

from billing.periods import month_before, month_of, parse_month
from billing.permissions import BillingPermission
from billing.price_books.wording import write_amount
from billing.revenue.files import write_file
from billing.revenue.report import report_revenue
from billing.revenue.schemas import MonthRevenue, MovementKind, RevenueBasis, RevenueReport
from branding.chart_columns import Series
from branding.charts import stacked_bar_chart
from branding.formats import format_month, format_short_month
from foundation.audit.chain import append_audit
from foundation.errors import InvalidInput
from foundation.i18n.localizer import translate
from foundation.web.csv_export import CSV_TYPE, content_disposition
from foundation.web.render import render_page
from tenants.access import Access
from tenants.accounts import name_clients
from tenants.audit_actions import TenantAction
from tenants.web.dependencies import OpenAccess

_PATH: Final = "/revenue"
_READ: Final = {"permission": BillingPermission.READ_PROFIT, "fleet": True}
_SHOWN: Final = 100
"""Clients in each table; the API has all."""
_EVERY: Final = 3
"""Months from one tick to the next."""
KINDS: Final = {
    MovementKind.NEW: "ok", MovementKind.EXPANSION: "ok", MovementKind.CONTRACTION: "warn", MovementKind.LOST: "bad",
}  # fmt: skip
"""Kind of badge."""


@get(_PATH, name="revenue", opt=_READ, include_in_schema=False)
async def show_revenue_page(access: OpenAccess, month: FromQuery[str] = "", of: FromQuery[str] = "") -> Response[Any]:
    refusal = None
    try:
        found = await report_revenue(access.session, month, of, now=access.now)
    except InvalidInput as wrong:
        refusal = wrong
        found = await report_revenue(access.session, "", "", now=access.now)
    movements, unpaid = found.movements[:_SHOWN], found.outstanding_clients[:_SHOWN]
    ids = {one.client_id for one in movements} | {one.client_id for one in unpaid if one.client_id is not None}
    context = {
        **_links(access, found),
        "found": found,
        "months": [one for one in found.months if one.month == found.month],
        "movements": movements,
        "unpaid": unpaid,
        "names": await name_clients(access.session, ids),
        "kinds": KINDS,
        "tabs": [
            {"label": translate(one.label), "href": _address(found.month, one), "current": one is found.basis}
            for one in RevenueBasis
        ],
        "charts": draw_months(found.months),
        "sum": write_amount,
    }
    return render_page(access, "billing/revenue.html", translate("Revenue"), context, refusal=refusal)


def _address(month: str, basis: RevenueBasis, path: str = _PATH) -> str:
    return f"{path}?{urlencode({'month': month, 'of': basis.value})}"


def _links(access: Access, found: RevenueReport) -> dict[str, object]:
    period = parse_month(found.month)
    later = period.end if period.end <= month_of(access.now).start else None
    return {
        "period": period,
        "earlier": _address(f"{month_before(period.start).start:%Y-%m}", found.basis),
        "later": _address(f"{later:%Y-%m}", found.basis) if later else "",
        "file": _address(found.month, found.basis, f"{_PATH}.csv"),
    }


def draw_months(months: Sequence[MonthRevenue]) -> list[Markup]:
    """A chart for each currency; a month in which more was credited than invoiced has no bar."""
    charts = []
    for currency in sorted({one.currency for one in months}):
        own = [one for one in months if one.currency == currency]
        labels = [format_month(parse_month(one.month).start) for one in own]
        series = [
            Series(translate("Recurring"), [max(0.0, float(one.recurring_invoiced)) for one in own]),
            Series(translate("Usage"), [max(0.0, float(one.usage)) for one in own]),
            Series(translate("Other"), [max(0.0, float(one.other)) for one in own]),
        ]
        title = translate("Invoiced by month in {currency}", currency=currency)
        ticks = [
            "" if place % _EVERY else format_short_month(parse_month(one.month).start) for place, one in enumerate(own)
        ]
        charts.append(stacked_bar_chart(f"chart-revenue-{currency}", title, labels, series, ticks_at=ticks))
    return charts


@get(f"{_PATH}.csv", opt=_READ, include_in_schema=False)
async def download_revenue(access: OpenAccess, month: FromQuery[str] = "", of: FromQuery[str] = "") -> Response[bytes]:
    found = await report_revenue(access.session, month, of, now=access.now)
    await access.enter_home()  # a fleet scope only reads; the export is recorded in the member's own account
    append_audit(
        access.session, action=TenantAction.LIST_EXPORTED, subject="list:revenue",
        data={"format": "csv", "filter": {"month": found.month}}, at=access.now,
    )  # fmt: skip
    name = f"{access.account.name} revenue {found.month}.csv"
    headers = {"Content-Disposition": content_disposition(name), "Cache-Control": "no-store"}
    return Response(write_file(found), media_type=CSV_TYPE, headers=headers)


REVENUE_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (show_revenue_page, download_revenue)
