"""Identifiers are ordered by their time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from foundation.ids import id_floor, new_id

INSTANTS = st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_a_floor_separates_earlier_and_later_ids() -> None:
    before = new_id()
    made = datetime.fromtimestamp((before.int >> 80) / 1000, tz=UTC)
    assert id_floor(made) <= before
    assert id_floor(made + timedelta(milliseconds=1)) > before
    assert new_id() >= id_floor(made)


@given(INSTANTS, INSTANTS)
def test_floors_are_ordered_as_their_times(one: datetime, other: datetime) -> None:
    if one <= other:
        assert id_floor(one) <= id_floor(other)
