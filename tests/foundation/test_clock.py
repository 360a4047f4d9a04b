"""Every instant of another system can be written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from foundation.clock import write_utc


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=-2))), "2026-03-02 01:30 UTC"),
        (datetime.max.replace(tzinfo=UTC), "9999-12-31 23:59 UTC"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))), "9999-12-31 23:59 -1200"),
    ],
)
def test_an_instant_without_a_year_in_utc_is_written_with_its_own_offset(moment: datetime, written: str) -> None:
    assert write_utc(moment) == written
