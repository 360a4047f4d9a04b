"""CSV columns of values: the amount as a decimal number, and its currency; pieces have none."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from canonical.money import decimal_amount
from canonical.values import Value
from foundation.web.csv_export import CsvColumn


def value_columns(name: str, read: Callable[[Any], Value | None]) -> list[CsvColumn]:
    """`name` and `name_currency` of the value that `read` takes from an item."""
    return [
        CsvColumn(name, lambda item: _amount(read(item))),
        CsvColumn(f"{name}_currency", lambda item: _currency(read(item))),
    ]


def _amount(value: Value | None) -> Decimal | int | None:
    if value is None:
        return None
    return decimal_amount(value.amount, value.currency) if value.currency else value.amount


def _currency(value: Value | None) -> str:
    return "" if value is None else value.currency
