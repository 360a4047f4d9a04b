"""The fleet's charts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup

from branding.axis import round_labels
from branding.chart_columns import Series
from branding.charts import stacked_bar_chart
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import NN_
from governance.fleet.hours import HOUR, SHOWN_AFTER, ClientHours, hours_before, shown_until

_NAMED: Final = 5
"""Clients with a colour of their own; the others share the sixth."""
_OTHERS: Final = NN_("{number} other client", "{number} other clients")


def draw_hours(clients: Sequence[ClientHours], now: datetime) -> Markup:
    return stacked_bar_chart(
        "chart-fleet",
        translate("Changes per hour by client, last 24 complete hours, UTC"),
        hour_labels(now),
        hour_series(clients),
        ticks_at=round_labels(hours_before(shown_until(now)), timedelta(hours=4)),
    )


def hour_series(clients: Sequence[ClientHours]) -> list[Series]:
    """The busiest clients, and the sum of the others."""
    busiest = sorted(clients, key=lambda client: -sum(client.changes))
    series = [Series(client.name, client.changes) for client in busiest[:_NAMED]]
    if len(busiest) > _NAMED:
        others = [sum(hour) for hour in zip(*(client.changes for client in busiest[_NAMED:]), strict=True)]
        series.append(Series(current_localizer().count(*_OTHERS, len(busiest) - _NAMED), others))
    return series


def hour_labels(now: datetime) -> list[str]:
    """Start of each shown hour, in UTC."""
    return [f"{start:%H:%M}" for start in hours_before(shown_until(now))]


def chart_times(now: datetime) -> tuple[datetime, datetime]:
    """End of the counted hours, and the time at which the next hour is shown."""
    until = shown_until(now)
    return until, until + HOUR + SHOWN_AFTER
