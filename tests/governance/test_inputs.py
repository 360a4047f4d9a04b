"""Times typed in forms."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from foundation.errors import InvalidInput
from foundation.i18n.localizer import localized
from foundation.i18n.negotiation import localizer_of
from governance.inputs import read_local_time


@pytest.fixture(autouse=True)
def berlin() -> Iterator[None]:
    with localized(localizer_of("en", "Europe/Berlin")):
        yield


@pytest.mark.parametrize(
    ("typed", "hour"),
    [
        ("2027-03-28T01:59", datetime(2027, 3, 28, 0, 59, tzinfo=UTC)),
        ("2027-03-28T03:00", datetime(2027, 3, 28, 1, tzinfo=UTC)),
        ("2027-10-31T02:30", datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
        ("2027-10-31T03:00", datetime(2027, 10, 31, 2, tzinfo=UTC)),
        ("2027-03-28T02:30+02:00", datetime(2027, 3, 28, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_typed_time_is_one_of_the_readers_zone(typed: str, hour: datetime) -> None:
    assert read_local_time(typed, "at") == hour


@pytest.mark.parametrize("typed", ["2027-03-28T02:00", "2027-03-28T02:59"])
def test_a_time_that_the_clocks_skip_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match="skip"):
        read_local_time(typed, "at")


@pytest.mark.parametrize("typed", ["", "noon", "2027-02-30T12:00", "0001-01-01T00:00"])
def test_what_is_no_time_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match="not a time"):
        read_local_time(typed, "at")
