"""CSV columns of values: a number with its currency or unit, anything else as its text."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from canonical.money import stored_exponent
from canonical.values import PIECE, MeasureValue, MoneyValue, QuantityValue, Value, write_plainly
from foundation.web.csv_export import CsvColumn


def value_columns(name: str, read: Callable[[Any], Value | None]) -> list[CsvColumn]:
    """`name`, `name_currency` and `name_unit` of the value that `read` takes from an item."""
    return [
        CsvColumn(name, lambda item: _content(read(item))),
        CsvColumn(f"{name}_currency", lambda item: _currency(read(item))),
        CsvColumn(f"{name}_unit", lambda item: _unit(read(item))),
    ]


def _content(value: Value | None) -> Decimal | str | None:
    match value:
        case None:
            return None
        case MoneyValue():
            places = max(stored_exponent(value.currency), -int(value.number.as_tuple().exponent))
            return Decimal(f"{value.number:.{places}f}")
        case QuantityValue() | MeasureValue():
            return value.number
    return write_plainly(value)


def _currency(value: Value | None) -> str:
    return value.currency if isinstance(value, MoneyValue) else ""


def _unit(value: Value | None) -> str:
    return value.unit if isinstance(value, QuantityValue | MeasureValue) and value.unit != PIECE else ""
