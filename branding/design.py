"""Sample data for the page that shows every component in every state."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import sin

from branding import charts
from branding.brand import Brand
from branding.chart_columns import Series
from branding.shell import Account, NavGroup, NavItem, Page, Viewer
from canonical.money import Money

_NAV = (
    NavGroup(
        items=(
            NavItem(label="Overview", href="/", icon="home"),
            NavItem(label="Changes", href="/changes", icon="diff"),
            NavItem(label="Approvals", href="/approvals", icon="approve", count=7),
            NavItem(label="Exceptions", href="/exceptions", icon="exception", count=12),
        )
    ),
    NavGroup(
        label="Set-up",
        items=(
            NavItem(label="Connections", href="/connections", icon="channel"),
            NavItem(label="Data ownership", href="/contracts", icon="policy"),
            NavItem(label="Members", href="/members", icon="members"),
        ),
    ),
    NavGroup(
        label="Account",
        items=(
            NavItem(label="Invoices", href="/invoices", icon="invoice"),
            NavItem(label="Design", href="/design", icon="layers", current=True),
        ),
    ),
)


def design_page(brand: Brand, now: datetime, *, csrf_token: str = "", boosted: bool = False) -> Page:
    return Page(
        brand=brand,
        title="Design",
        now=now,
        csrf_token=csrf_token,
        nav=_NAV,
        viewer=Viewer(name="Ada Kowalska", role="MSP administrator"),
        account=Account(name="Birch & Sons", kind="Client", switch_href="/clients"),
        boosted=boosted,
    )


def design_context(page: Page) -> Mapping[str, object]:
    """Template context of `design.html`."""
    return {
        "page": page,
        "rows": _rows(page.now),
        "drawn": _charts(),
        "earlier": [page.now - timedelta(seconds=seconds) for seconds in (4, 95, 4000, 90000)],
        "amount": Money(148_250, "EUR"),
    }


def _rows(now: datetime) -> list[dict[str, object]]:
    names = ("Oak shelf 80 cm", "Desk lamp, brass", "Wall hook, set of 4", "Linen curtain, sand", "Bath stool")
    states = (
        ("ok", "Seen on channel", "low", 12),
        ("info", "Propagating", "medium", 38),
        ("warn", "Needs approval", "high", 67),
        ("bad", "Refused by channel", "critical", 94),
        ("neutral", "Superseded", "low", 5),
    )
    return [
        {
            "name": name,
            "sku": f"BS-{2041 + 17 * index}",
            "kind": kind,
            "state": state,
            "level": level,
            "score": score,
            "old": Money(4990 + 300 * index, "EUR"),
            "new": Money(5290 + 310 * index, "EUR"),
            "at": now - timedelta(minutes=3 + 41 * index),
        }
        for index, (name, (kind, state, level, score)) in enumerate(zip(names, states, strict=True))
    ]


def _charts() -> dict[str, object]:
    days = [f"{day} Nov" for day in range(8, 22)]
    waves = [round(620 + 210 * sin(day / 2.1) + 31 * (day % 3)) for day in range(14)]
    lower = [round(value * 0.62 + 40 * sin(day)) for day, value in enumerate(waves)]
    gaps: list[float | None] = [*waves[:5], None, None, *waves[7:]]
    remaining = [1, 0.97, 0.95, 0.94, 0.9, 0.78, 0.61, 0.6, 0.58, 0.51, 0.47, None, None, None]
    exceptions = [("Channel refused", 41.0), ("Stale price", 23.0), ("Mapping", 17.0), ("Late read-back", 9.0)]
    stacked = (
        Series("Automatic", [value // 2 for value in waves]),
        Series("Approved", [value // 4 for value in waves]),
        Series("Refused", [value // 14 for value in waves]),
    )
    return {
        "line": charts.line_chart("c-line", "Changes", days, [Series("Proposed", waves), Series("Seen", lower)]),
        "area": charts.line_chart("c-area", "Source events per day", days, [Series("Events", gaps)], area=True),
        "bars": charts.bar_chart("c-bars", "Exceptions by severity", ["Low", "Medium", "High", "Critical"],
                                 [Series("Opened", [18, 11, 6, 2]), Series("Closed", [16, 12, 4, 1])]),
        "stacked": charts.stacked_bar_chart("c-stack", "Decisions per day", days, stacked),
        "burn": charts.burn_chart("c-burn", "Propagation SLO, error budget", days, remaining),
        "donut": charts.donut("c-donut", "Open exceptions by cause", exceptions, centre="90"),
        "gauge": charts.gauge("c-gauge", "Seen within 15 min", 0.982, target=0.95, kind="ok"),
        "spark": charts.sparkline(waves, "Rising over 14 days"),
        "spark_down": charts.sparkline(waves[::-1], "Falling over 14 days"),
    }  # fmt: skip
