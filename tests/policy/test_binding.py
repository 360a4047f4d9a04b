from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.binding import bind_content
from policy.errors import ContentNotBindable

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def bind(payload: Any = None, version: int = 1, snapshot: Any = None, target: Any = None) -> bytes:
    return bind_content(payload, policy_version=version, snapshot=snapshot, target=target)


def identical(one: Any, other: Any) -> bool:
    """Equality as in JSON: True is not 1."""
    return msgspec.json.encode(one, order="deterministic") == msgspec.json.encode(other, order="deterministic")


@given(one=json_values, other=json_values)
def test_different_content_never_shares_a_hash(one: Any, other: Any) -> None:
    assert (bind(one) == bind(other)) == identical(one, other)


@given(content=st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_keys_does_not_count(content: dict[str, int]) -> None:
    assert bind(dict(reversed(content.items()))) == bind(content)


def test_each_part_changes_the_hash_and_parts_cannot_be_swapped() -> None:
    hashes = {bind("x"), bind(snapshot="x"), bind(target="x"), bind("x", version=2), bind(None), bind(True), bind(1)}
    assert len(hashes) == 7


def test_structs_ids_and_times_have_one_form() -> None:
    class Price(msgspec.Struct):
        minor: int
        at: datetime
        id: UUID

    one = datetime(2026, 1, 1, 12, tzinfo=UTC)
    same = one.astimezone(timezone(timedelta(hours=2)))
    key = UUID(int=7)
    assert bind(Price(1, one, key)) == bind({"minor": 1, "at": same, "id": str(key)})


@pytest.mark.parametrize("value", [1.5, {"a": [0.1]}, {1: 2}, b"x", {1, 2}, datetime(2026, 1, 1), object()])  # noqa: DTZ001
def test_values_without_an_exact_form_are_refused(value: Any) -> None:
    with pytest.raises(ContentNotBindable):
        bind(value)
