"""Months as billing periods."""

from datetime import UTC, datetime

import pytest

from billing.periods import month_before


@pytest.mark.parametrize(("month", "before"), [(3, (2026, 2)), (1, (2025, 12)), (12, (2026, 11))])
def test_the_month_before_is_found_from_any_day(month: int, before: tuple[int, int]) -> None:
    """A month's own length before the first of March is a day of January."""
    for day in (1, 31):
        assert month_before(datetime(2026, month, day, tzinfo=UTC)).start == datetime(*before, 1, tzinfo=UTC)
