"""Declarations of lists."""

from typing import Any

import pytest

from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey

STATE = ChoiceFilter(name="status", label="State", options=[("", "Any")])
NEWEST = Sort(name="-id", label="Newest first", reverse_label="Oldest first", keys=[SortKey("id", "uuid")])


async def _load(*_: Any) -> Any:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("filters", "sorts"),
    [([STATE, TextFilter(name="status", label="State")], [NEWEST]), ([STATE], [NEWEST, NEWEST])],
)
def test_two_filters_or_orders_of_one_name_are_refused(filters: list[Any], sorts: list[Sort]) -> None:
    with pytest.raises(ValueError, match="the list things declares a name twice"):
        ListDefinition(name="things", title="Things", item=str, load=_load, sorts=sorts, columns=[], filters=filters)
