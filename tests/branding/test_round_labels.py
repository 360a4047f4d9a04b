"""Ticks of a time axis are at round times."""

from datetime import UTC, datetime, timedelta

import pytest

from branding.axis import round_labels
from governance.overview.charts import SPANS, STRETCHES

NOW = datetime(2026, 11, 29, 3, 37, 11, tzinfo=UTC)


@pytest.mark.parametrize("name", sorted(SPANS))
def test_every_span_has_a_few_ticks_at_round_times(name: str) -> None:
    span = SPANS[name]
    starts = [span.start(NOW) + n * span.width for n in range(STRETCHES)]
    shown = [label for label in round_labels(starts, span.tick) if label]
    assert 3 <= len(shown) <= 8
    assert all(int(label[3:]) % 15 == 0 for label in shown)


def test_times_are_shown_in_utc_in_every_zone() -> None:
    zone = (NOW - timedelta(minutes=37, seconds=11)).astimezone(None)
    assert round_labels([zone], timedelta(hours=1)) == ["03:00"]
