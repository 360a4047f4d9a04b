"""Short constructors of typed values for tests, and SQL for their integers."""

import re
from typing import Final

from canonical.keys import ElementKey
from canonical.values import MoneyValue, QuantityValue, TextValue, minor_money, money, quantity

ONE_CENT: Final = """'{"type":"money","amount":"0.01","currency":"USD"}'"""
"""Money as a literal of SQL."""

_MINOR: Final = re.compile(r"\bminor\(((?:\w+\.)?\w+)\)")
_IN_MINOR: Final = """CAST((({0})->>'amount')::numeric * CASE ({0})->>'type' WHEN 'money' THEN
    CASE ({0})->>'currency' WHEN 'JPY' THEN 1 WHEN 'KWD' THEN 1000 ELSE 100 END ELSE 1 END AS bigint)"""


def minor(amount: int, currency: str = "USD") -> MoneyValue:
    """Money of so many minor units."""
    return minor_money(amount, currency)


def eur(amount: str) -> MoneyValue:
    return money(amount, "EUR")


def usd(amount: str) -> MoneyValue:
    return money(amount, "USD")


def pieces(amount: int | str) -> QuantityValue:
    return quantity(amount)


def plain(text: str) -> TextValue:
    return TextValue(text)


def of(element: str, amount: int, currency: str = "USD") -> MoneyValue | QuantityValue:
    """Pieces of a stock element, else minor units of money."""
    return pieces(amount) if element.startswith("stock") else minor(amount, currency)


def at(record_key: str, element: str, dimension: str = "") -> ElementKey:
    return ElementKey(record_key, element, dimension)


def with_minor(sql: str) -> str:
    """The query with `minor(column)` expanded: the value's integer of minor units or pieces."""
    return _MINOR.sub(lambda found: _IN_MINOR.format(found[1]), sql)
