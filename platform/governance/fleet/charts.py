"""The fleet's charts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from markupsafe import Markup

from branding.axis import round_labels
from branding.charts import Series, stacked_bar_chart
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import NN_
from governance.fleet.queries import ClientHours, hours_until

_NAMED: Final = 5
"""Clients with a colour of their own; the others share the sixth."""
_OTHERS: Final = NN_("{number} other client", "{number} other clients")


def draw_hours(clients: Sequence[ClientHours], now: datetime) -> Markup:
    busiest = sorted(clients, key=lambda client: -sum(client.changes))
    series = [Series(client.name, client.changes) for client in busiest[:_NAMED]]
    if len(busiest) > _NAMED:
        others = [sum(hour) for hour in zip(*(client.changes for client in busiest[_NAMED:]), strict=True)]
        series.append(Series(current_localizer().count(*_OTHERS, len(busiest) - _NAMED), others))
    labels = [f"{start.astimezone(UTC):%H:%M}" for start in hours_until(now)]
    return stacked_bar_chart(
        "chart-fleet",
        translate("Changes per hour by client, last 24 hours, UTC"),
        labels,
        series,
        ticks_at=round_labels(hours_until(now), timedelta(hours=4)),
    )
