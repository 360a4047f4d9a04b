"""The dashboard's charts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from markupsafe import Markup

from branding.axis import round_labels
from branding.chart_columns import Pause, Series
from branding.charts import line_chart, stacked_bar_chart
from branding.formats import format_duration
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.time_filter import write_time
from governance.changes.states import ChangeState
from governance.overview.buckets import TimeBucket
from governance.overview.chart_marks import ChartMarks

STRETCHES: Final = 24


class Span(msgspec.Struct, frozen=True):
    """Time span of the charts: STRETCHES times `width`."""

    name: str
    label: str
    width: timedelta
    tick: timedelta

    def start(self, now: datetime) -> datetime:
        """Start of the span, aligned to the width, so that bars keep their bounds between refreshes."""
        seconds = self.width.total_seconds()
        end = datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, tz=UTC)
        return end - STRETCHES * self.width


SPANS: Final[Mapping[str, Span]] = {
    "1h": Span("1h", N_("Last hour"), timedelta(seconds=150), timedelta(minutes=15)),
    "6h": Span("6h", N_("6 hours"), timedelta(minutes=15), timedelta(hours=1)),
    "24h": Span("24h", N_("24 hours"), timedelta(hours=1), timedelta(hours=4)),
}
DEFAULT_SPAN: Final = "1h"


def draw_changes(buckets: Sequence[TimeBucket], span: Span, marks: ChartMarks, root: str) -> Markup:
    series = (
        Series(translate("Automatic"), [bucket.automatic for bucket in buckets]),
        Series(translate("Needed approval"), [bucket.reviewed for bucket in buckets]),
        Series(translate("Refused"), [bucket.refused for bucket in buckets]),
    )
    return stacked_bar_chart(
        "chart-changes", translate("Changes by decision"), labels_of(buckets), series, ticks_at=_ticks(buckets, span),
        links=links_of(buckets, span, root), pauses=_pauses(buckets, span, marks),
    )  # fmt: skip


def draw_times(buckets: Sequence[TimeBucket], span: Span, marks: ChartMarks, root: str) -> Markup:
    series = (
        Series(translate("Median"), [bucket.half_s for bucket in buckets]),
        Series(translate("95% within"), [bucket.most_s for bucket in buckets]),
    )
    title = translate("Time to publish, from release to read-back")
    return line_chart(
        "chart-times", title, labels_of(buckets), series, written=format_duration, target=marks.publish_s,
        ticks_at=_ticks(buckets, span), links=links_of(buckets, span, root, status=ChangeState.RELEASED),
        pauses=_pauses(buckets, span, marks),
    )  # fmt: skip


def draw_decisions(buckets: Sequence[TimeBucket], span: Span, marks: ChartMarks) -> Markup:
    series = (
        Series(translate("Median"), [bucket.decision_half_s for bucket in buckets]),
        Series(translate("95% within"), [bucket.decision_most_s for bucket in buckets]),
    )
    title = translate("Time to decide, of changes that needed approval")
    return line_chart(
        "chart-decisions", title, labels_of(buckets), series, written=format_duration, target=marks.decide_s,
        ticks_at=_ticks(buckets, span),
    )  # fmt: skip


def _ticks(buckets: Sequence[TimeBucket], span: Span) -> list[str]:
    return round_labels([bucket.start for bucket in buckets], span.tick)


def _pauses(buckets: Sequence[TimeBucket], span: Span, marks: ChartMarks) -> list[Pause]:
    """The pauses as places on the axis."""
    start = buckets[0].start
    end = start + span.width * len(buckets)
    return [
        Pause(one.name, (one.since - start) / span.width, ((one.until or end) - start) / span.width)
        for one in marks.pauses
    ]


def links_of(buckets: Sequence[TimeBucket], span: Span, root: str = "", *, status: str = "") -> list[str]:
    """Address of the changes that were proposed in each bucket."""
    more = f"&status={status}" if status else ""
    return [
        f"{root}/changes?since={write_time(bucket.start)}&until={write_time(bucket.start + span.width)}{more}"
        for bucket in buckets
    ]


def labels_of(buckets: Sequence[TimeBucket]) -> list[str]:
    """Start of each bucket, in UTC."""
    return [f"{bucket.start.astimezone(UTC):%H:%M}" for bucket in buckets]
