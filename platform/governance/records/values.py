"""Rows with values from the columns of a query."""

from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

from canonical.values import Value, to_value

RowStruct = TypeVar("RowStruct")


def row_reader(shape: type[RowStruct], *, fields: int | None = None) -> Callable[[Any], RowStruct]:
    """A function from a row, in the order of the struct's fields, to the struct; jsonb columns become values.

    `fields`: number of columns, if the struct's last fields have their defaults.
    """
    names = getattr(shape, "__struct_fields__")[:fields]  # noqa: B009 - not known to the type checker
    hints = get_type_hints(shape)
    places = tuple(place for place, name in enumerate(names) if hints[name] in (Value, Value | None))

    def read(row: Any) -> RowStruct:
        columns = list(row)
        for place in places:
            columns[place] = to_value(columns[place])
        return shape(*columns)

    return read
