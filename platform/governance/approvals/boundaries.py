"""Values at which the conditions of an element's rules change, between the old value and a proposed one. Pure."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import takewhile
from math import ceil, floor
from typing import Final, NamedTuple

from canonical.amounts import scale_amount
from canonical.money import KEPT
from canonical.values import MoneyValue, QuantityValue, Value, minor_money, quantity, type_of
from policy.rules import PolicyRule
from policy.terms import PERCENT_KINDS, Term, TermKind, read_terms

_MOST: Final = 400
_WHOLE: Final = 10_000
_Number = int | Fraction


class _Scale(NamedTuple):
    """Amounts as numbers of the smallest unit that rules count in."""

    digits: int
    currency: str
    unit: str

    def number(self, value: Value | None) -> _Number | None:
        """Return the value as a number of the smallest unit; None if it is not comparable."""
        match value:
            case MoneyValue() if value.currency == self.currency:
                return scale_amount(value.amount, self.digits)
            case QuantityValue() if value.unit == self.unit:
                return scale_amount(value.amount, 0)
        return None

    def value(self, number: int) -> Value:
        return minor_money(number, self.currency) if self.currency else quantity(number, self.unit)


class _Bases(NamedTuple):
    """Values from which sizes and margins are computed."""

    old: _Number
    month: _Number
    cost: _Number | None


class ComparedValues(NamedTuple):
    """The proposed value `new`, and the values to compare it with. `month`: the value at the start of the month."""

    old: Value | None
    new: Value
    month: Value | None = None
    cost: Value | None = None


def list_boundaries(given: ComparedValues, rules: Iterable[PolicyRule]) -> list[Value]:
    """Return the values, from the old one outwards, without both ends. Empty if values are not numbers, or without an
    old value to compare with.
    """
    scale = _scale_of(given.new)
    if scale is None:
        return []
    old, new = scale.number(given.old), scale.number(given.new)
    if old is None or new is None or old == new:
        return []
    bases = _Bases(old, scale.number(given.month) or old, scale.number(given.cost))
    found = set[int]() if bases.cost is None else set(_around(bases.cost))
    for rule in rules:
        for term in read_terms(rule.condition, type_of(given.new)) or ():
            found.update(_bounds(term, bases, scale))
    low, high = min(old, new), max(old, new)
    between = sorted((one for one in found if low < one < high), reverse=new < old)
    return [scale.value(one) for one in between[:_MOST]]


def last_passing(values: Iterable[Value], passes: Callable[[Value], bool]) -> Value | None:
    """The last value before the first that does not pass; None if the first does not."""
    return next(reversed(list(takewhile(passes, values))), None)


def _scale_of(value: Value) -> _Scale | None:
    match value:
        case MoneyValue():
            return _Scale(KEPT[value.currency], value.currency, "")
        case QuantityValue():
            return _Scale(0, "", value.unit)
    return None


def _bounds(term: Term, bases: _Bases, scale: _Scale) -> Iterator[int]:
    """The last values on one side of the term's threshold, and the first on the other."""
    if not term.values:
        return
    if term.kind in PERCENT_KINDS:
        base, points = bases.month if term.kind == TermKind.MONTH_PERCENT else bases.old, _points(term)
        for part in (Fraction(base * points, _WHOLE), Fraction(base * (points - 1), _WHOLE)):
            yield from (*_around(base + part), *_around(base - part))
    elif term.kind == TermKind.CHANGE_AMOUNT:
        size = scale_amount(term.values[0], scale.digits)
        yield from (*_around(bases.old + size), *_around(bases.old - size))
    elif term.kind == TermKind.NEW_VALUE:
        yield from _around(scale_amount(term.values[0], scale.digits))
    elif term.kind == TermKind.MARGIN_BELOW and bases.cost is not None and _points(term) < _WHOLE:
        yield from _around(Fraction(bases.cost * _WHOLE, _WHOLE - _points(term)))


def _points(term: Term) -> int:
    """A percentage in basis points."""
    return int(Decimal(term.values[0]) * 100)


def _around(number: _Number) -> tuple[int, ...]:
    return floor(number) - 1, floor(number), ceil(number), ceil(number) + 1
