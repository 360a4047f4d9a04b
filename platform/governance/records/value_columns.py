"""CSV columns of values: the content, and beside it the currency of money or the unit of a quantity."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from canonical.money import kept_exponent
from canonical.values import (
    BooleanValue,
    DateValue,
    EnumerationValue,
    MeasureValue,
    MoneyValue,
    QuantityValue,
    TextValue,
    TimestampValue,
    Value,
)
from foundation.web.csv_export import CsvColumn


def value_columns(name: str, read: Callable[[Any], Value | None]) -> list[CsvColumn]:
    """`name`, `name_currency` and `name_unit` of the value that `read` takes from an item."""
    return [
        CsvColumn(name, lambda item: _content(read(item))),
        CsvColumn(f"{name}_currency", lambda item: getattr(read(item), "currency", "")),
        CsvColumn(f"{name}_unit", lambda item: getattr(read(item), "unit", "")),
    ]


def _content(value: Value | None) -> object:
    match value:
        case None:
            content: object = None
        case MoneyValue():
            content = _with_all_digits(value)
        case QuantityValue() | MeasureValue():
            content = value.number
        case TextValue():
            content = value.text
        case EnumerationValue():
            content = value.code
        case BooleanValue():
            content = value.value
        case DateValue():
            content = value.date
        case TimestampValue():
            content = value.at
        case _:
            content = msgspec.to_builtins(value)
    return content


def _with_all_digits(value: MoneyValue) -> Decimal:
    """The amount with the digits of its currency at least: 10.40, not 10.4."""
    least = Decimal(1).scaleb(-kept_exponent(value.currency))
    exponent = value.number.as_tuple().exponent
    return (
        value.number.quantize(least)
        if isinstance(exponent, int) and exponent > least.as_tuple().exponent
        else value.number
    )
