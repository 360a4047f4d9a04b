"""Page of profit, with its chart and its file."""

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
from billing.profit.files import write_file
from billing.profit.read import label_rows, read_profit
from billing.profit.report import MONTHS
from billing.profit.schemas import MonthProfit, ProfitGrouping, ProfitReport
from billing.rating_runs import read_rating
from billing.revenue.movements import month_after
from billing.web.dependencies import KnownMeters
from branding.chart_columns import Series
from branding.charts import line_chart
from branding.formats import format_month, format_short_month
from foundation.audit.chain import append_audit
from foundation.errors import InvalidInput
from foundation.i18n.localizer import translate
from foundation.web.csv_export import CSV_TYPE, content_disposition
from foundation.web.render import render_page
from tenants.access import Access
from tenants.audit_actions import TenantAction
from tenants.web.dependencies import OpenAccess

_PATH: Final = "/profit"
_READ: Final = {"permission": BillingPermission.READ_PROFIT, "fleet": True}
_EVERY: Final = 3
"""Months from one tick to the next."""
_SHOWN: Final = 200
"""Rows on the page; the file and the API have all."""


@get(_PATH, name="profit", opt=_READ, include_in_schema=False)
async def show_profit_page(
    access: OpenAccess,
    meters: KnownMeters,
    month: FromQuery[str] = "",
    by: FromQuery[str] = "",
    client: FromQuery[str] = "",
) -> Response[Any]:
    refusal = None
    try:
        found = await read_profit(access.session, month, by, client, now=access.now)
    except InvalidInput as wrong:
        refusal, client = wrong, ""
        found = await read_profit(access.session, "", "", "", now=access.now)
    context = {
        **_links(access, found, client),
        "found": found,
        "next_rating": (await read_rating(access.session)).upcoming(access.now),
        "client": client,
        "labels": await label_rows(access.session, found, meters),
        "rows": found.rows[:_SHOWN],
        "more": max(len(found.rows) - _SHOWN, 0),
        "tabs": [
            {"label": translate(one.label), "href": _address(found.month, one, client), "current": one is found.by}
            for one in ProfitGrouping
        ],
        "charts": draw_months(found.months, found.month),
        "sum": write_amount,
    }
    return render_page(access, "billing/profit.html", translate("Profit"), context, refusal=refusal)


def _address(month: str, by: ProfitGrouping, client: str, path: str = _PATH) -> str:
    return f"{path}?{urlencode({'month': month, 'by': by.value, 'client': client})}"


def _links(access: Access, found: ProfitReport, client: str) -> dict[str, object]:
    period = parse_month(found.month)
    later = period.end if period.end <= month_of(access.now).start else None
    return {
        "period": period,
        "earlier": _address(f"{month_before(period.start).start:%Y-%m}", found.by, client),
        "later": _address(f"{later:%Y-%m}", found.by, client) if later else "",
        "file": _address(found.month, found.by, client, f"{_PATH}.csv"),
    }


def draw_months(months: Sequence[MonthProfit], last: str) -> list[Markup]:
    """A chart of the twelve months until `last` for each currency."""
    charts = []
    names = [month_after(last, place - MONTHS + 1) for place in range(MONTHS)]
    labels = [format_month(parse_month(name).start) for name in names]
    for currency in sorted({one.currency for one in months}):
        own = {one.month: one for one in months if one.currency == currency}
        series = [
            Series(translate("Revenue"), [float(own[name].revenue) if name in own else 0.0 for name in names]),
            Series(translate("Cost"), [float(own[name].cost) if name in own else 0.0 for name in names]),
            Series(
                translate("Margin"),
                [float(own[name].margin or 0) if name in own and own[name].margin is not None else None
                 for name in names],
            ),
        ]  # fmt: skip
        ticks = [
            "" if place % _EVERY else format_short_month(parse_month(name).start) for place, name in enumerate(names)
        ]
        title = translate("Profit by month in {currency}", currency=currency)
        charts.append(line_chart(f"chart-profit-{currency}", title, labels, series, ticks_at=ticks))
    return charts


@get(f"{_PATH}.csv", opt=_READ, include_in_schema=False)
async def download_profit(
    access: OpenAccess,
    meters: KnownMeters,
    month: FromQuery[str] = "",
    by: FromQuery[str] = "",
    client: FromQuery[str] = "",
) -> Response[bytes]:
    found = await read_profit(access.session, month, by, client, now=access.now)
    labels = await label_rows(access.session, found, meters)
    await access.enter_home()  # a fleet scope only reads; the export is recorded in the member's own account
    append_audit(
        access.session, action=TenantAction.LIST_EXPORTED, subject="list:profit",
        data={"format": "csv", "filter": {"month": found.month, "by": found.by.value}}, at=access.now,
    )  # fmt: skip
    name = f"{access.account.name} profit {found.month}.csv"
    headers = {"Content-Disposition": content_disposition(name), "Cache-Control": "no-store"}
    return Response(write_file(found, labels), media_type=CSV_TYPE, headers=headers)


PROFIT_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (show_profit_page, download_profit)
