"""Charts of usage."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from markupsafe import Markup

from billing.usage.schemas import UsageGroup
from branding.chart_columns import Series
from branding.charts import stacked_bar_chart
from foundation.i18n.localizer import current_localizer, translate

_EVERY: Final = 5


def draw_days(days: Sequence[UsageGroup], title: str) -> Markup:
    """Bars of the days; a day on which more was taken back than used has none."""
    localizer = current_localizer()
    labels = [localizer.day(date.fromisoformat(one.key)) for one in days]
    ticks = [one.key[-2:] if place % _EVERY == 0 else "" for place, one in enumerate(days)]
    quantities = [max(0.0, float(one.quantity)) for one in days]
    return stacked_bar_chart("chart-usage", title, labels, [Series(translate("Quantity"), quantities)], ticks_at=ticks)
