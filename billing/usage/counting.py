"""Aggregation of a declared meter's events into a period's quantity."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.text import has_hidden, is_storable


class MeterAggregation(StrEnum):
    """Functions of aggregation. The label is shown in the editor."""

    SUM = "sum"
    COUNT = "count"
    MAX = "max"
    UNIQUE = "unique"
    LATEST = "latest"
    TIME_WEIGHTED = "time_weighted"
    PERCENTILE = "percentile"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS: Final = {
    MeterAggregation.SUM: N_("Sum of the quantities"),
    MeterAggregation.COUNT: N_("Number of events"),
    MeterAggregation.MAX: N_("Largest quantity"),
    MeterAggregation.UNIQUE: N_("Number of different values of a dimension"),
    MeterAggregation.LATEST: N_("Quantity of the latest event"),
    MeterAggregation.TIME_WEIGHTED: N_("Level, weighted by time"),
    MeterAggregation.PERCENTILE: N_("Percentile of the quantities"),
}
ADDITIVE: Final = frozenset({MeterAggregation.SUM, MeterAggregation.COUNT})
"""Aggregations of which the parts of a period add up to the whole."""
USUAL_PERCENTILE: Final = Decimal(95)
MOST_FILTERS: Final = 10
MOST_VALUES: Final = 50
_PLACES: Final = 3


class Counting(msgspec.Struct, frozen=True):
    """Aggregation of a meter. `dimension`: for `unique`, the dimension whose values are counted. For max, latest,
    time-weighted and percentile each of its values is aggregated by itself and the results are added; empty for all
    events together. `filters`: accepted values by dimension.
    """

    aggregation: MeterAggregation = MeterAggregation.SUM
    dimension: str = ""
    percentile: Decimal = USUAL_PERCENTILE
    filters: Mapping[str, Sequence[str]] = {}

    @property
    def is_additive(self) -> bool:
        return self.aggregation in ADDITIVE

    def takes(self, dimensions: Mapping[str, str]) -> bool:
        """Whether an event with these dimensions is counted."""
        return not self.filters or all(dimensions.get(name) in values for name, values in self.filters.items())


SUMMED: Final = Counting()


def check_counting(counting: Counting) -> Counting:
    """Raises InvalidInput."""
    has_dimension = counting.aggregation not in ADDITIVE
    if counting.dimension and not has_dimension:
        raise InvalidInput(
            N_("A sum and a number of events have no dimension. Leave it out, or choose another aggregation."),
            field="dimension",
        )
    if counting.aggregation is MeterAggregation.UNIQUE and not counting.dimension:
        raise InvalidInput(N_("Enter the dimension whose values are counted."), field="dimension")
    percentile = counting.percentile
    if not percentile.is_finite() or not 0 < percentile <= 100 or percentile != round(percentile, _PLACES):
        raise InvalidInput(N_("Enter a percentile above 0 and up to 100, such as 95."), field="percentile")
    for values in counting.filters.values():
        if not values or any(not is_storable(value) or has_hidden(value) for value in values):
            raise InvalidInput(N_("A filter has a dimension and at least one visible value."), field="filters")
    return counting


def read_filters(typed: str) -> Mapping[str, Sequence[str]]:
    """Read filters from the text of a form or a command: `region = eu, us` in each line.

    Raises:
        InvalidInput: a line that is not such a filter.
    """
    found: dict[str, Sequence[str]] = {}
    for line in filter(None, map(str.strip, typed.splitlines())):
        name, equals, values = line.partition("=")
        wanted = [value.strip() for value in values.split(",") if value.strip()]
        if not equals or not wanted or name.strip() in found:
            raise InvalidInput(N_("Enter each filter in a line of its own, such as region = eu, us."), field="filters")
        found[name.strip()] = wanted
    return found


def write_filters(filters: Mapping[str, Sequence[str]]) -> str:
    """The filters as `read_filters` reads them."""
    return "\n".join(f"{name} = {', '.join(values)}" for name, values in sorted(filters.items()))
