"""Prices that do not depend on tiers: flat, per unit, percentage, matrix, prepaid, markup over cost."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from billing.pricing.numbers import Number, decimal, exact, total
from billing.pricing.rounding import Rounding, round_amount

Dimensions = Mapping[str, str]


class PriceMissing(ValueError):
    """No cell of a matrix matches this usage. The usage is held, never charged at 0."""


class Percentage(msgspec.Struct, frozen=True):
    """`rate_pct` of each event's amount plus `fixed_per_event`. The first `free_events`, or the events up to
    `free_amount` in sum, are free, whichever is used up first; None or 0 for no such limit. An event that passes
    `free_amount` pays for the part beyond it and its fixed fee. `min_per_event` and `max_per_event` bound what one
    paying event costs, its fixed fee included.
    """

    rate_pct: Number
    fixed_per_event: Number = 0
    free_events: int | None = None
    free_amount: Number | None = None
    min_per_event: Number | None = None
    max_per_event: Number | None = None


class Cell(msgspec.Struct, frozen=True):
    """A price of units with these dimensions; a dimension may name several values. Without dimensions: the default."""

    dims: Mapping[str, str | Sequence[str]]
    unit_price: Number


class DimensionUsage(msgspec.Struct, frozen=True):
    dims: Dimensions
    quantity: Number


class UsageDiscount(msgspec.Struct, frozen=True):
    billable: Decimal
    free_used_now: Decimal


class Prepaid(msgspec.Struct, frozen=True):
    drawn_units: Decimal
    overage_units: Decimal
    overage_amount: Decimal
    total: Decimal


class MarginShare(msgspec.Struct, frozen=True):
    cost: Decimal
    revenue: Decimal
    margin: Decimal


def flat(amount: Number, *, periods: Number = 1, quantity: Number = 1) -> Decimal:
    """A fee of each period, for each of `quantity` subscriptions."""
    return decimal(exact(amount) * exact(periods) * exact(quantity))


def per_unit(
    unit_price: Number,
    quantity: Number,
    *,
    cap: Number | None = None,
    exponent: int | None = None,
    mode: Rounding = Rounding.HALF_UP,
) -> Decimal:
    """The price of the units, at most `cap`. The unit price keeps its precision; the amount is rounded to `exponent`
    digits, or not at all without one.
    """
    amount = exact(unit_price) * exact(quantity)
    if cap is not None:
        amount = min(amount, exact(cap))
    return decimal(amount) if exponent is None else round_amount(amount, exponent, mode)


def percentage(terms: Percentage, events: Sequence[Number], *, before: Sequence[Number] = ()) -> Decimal:
    """The cost of `events`, amounts in their order, after those of the same period that were billed `before`."""
    paid = _percentages(terms, [*map(exact, before), *map(exact, events)])
    return decimal(total(paid[len(before) :]))


def _percentages(terms: Percentage, amounts: Sequence[Fraction]) -> list[Fraction]:
    costs: list[Fraction] = []
    used, free = Fraction(0), bool(terms.free_events) or bool(terms.free_amount)
    for number, amount in enumerate(amounts):
        free = free and (not terms.free_events or number < terms.free_events)
        allowed = None if not terms.free_amount else exact(terms.free_amount) - used
        if free and (allowed is None or amount <= allowed):
            used += amount
            costs.append(Fraction(0))
            continue
        taxable = amount - allowed if free and allowed is not None else amount
        free = False
        costs.append(_bounded(terms, taxable * exact(terms.rate_pct) / 100 + exact(terms.fixed_per_event)))
    return costs


def _bounded(terms: Percentage, cost: Fraction) -> Fraction:
    if terms.min_per_event is not None:
        cost = max(cost, exact(terms.min_per_event))
    return cost if terms.max_per_event is None else min(cost, exact(terms.max_per_event))


def matrix(cells: Sequence[Cell], usage: Sequence[DimensionUsage]) -> Decimal:
    """The usage at the cells that match most of its dimensions; of equal ones the first.

    Raises:
        PriceMissing: no cell matches.
    """
    return decimal(total([exact(matching_cell(cells, use.dims).unit_price) * exact(use.quantity) for use in usage]))


def matching_cell(cells: Sequence[Cell], dims: Dimensions) -> Cell:
    """The most specific cell whose dimensions all have the usage's values. Raises PriceMissing."""
    found = [cell for cell in cells if all(_holds(value, dims.get(name)) for name, value in cell.dims.items())]
    if not found:
        raise PriceMissing(f"no price for {dict(dims)}")
    return max(found, key=lambda cell: len(cell.dims))


def _holds(wanted: str | Sequence[str], value: str | None) -> bool:
    return value == wanted if isinstance(wanted, str) else value in wanted


def usage_discount(free_units: Number, quantity: Number, *, before: Number = 0) -> UsageDiscount:
    """Units that are charged when `free_units` of the period are free, of which `before` units used some."""
    after, free = exact(before) + exact(quantity), exact(free_units)
    billable = max(Fraction(0), after - free) - max(Fraction(0), exact(before) - free)
    return UsageDiscount(decimal(billable), decimal(exact(quantity) - billable))


def prepaid_then_overage(
    prepaid_units: Number, prepaid_fee: Number, overage_price: Number, quantity: Number, *, before: Number = 0
) -> Prepaid:
    """Units of a prepaid period, drawn first, and the rest at `overage_price`. Units that are not drawn are lost. The
    fee is part of the total of the first bill only, that without units `before`.
    """
    found = usage_discount(prepaid_units, quantity, before=before)
    overage = exact(found.billable) * exact(overage_price)
    fee = Fraction(0) if before else exact(prepaid_fee)
    return Prepaid(found.free_used_now, found.billable, decimal(overage), decimal(fee + overage))


def margin(cost_unit: Number, price_unit: Number, quantity: Number = 1) -> MarginShare:
    """Cost, revenue and their difference, exact."""
    cost, revenue = exact(cost_unit) * exact(quantity), exact(price_unit) * exact(quantity)
    return MarginShare(decimal(cost), decimal(revenue), decimal(revenue - cost))


def marked_up(cost_unit: Number, markup_pct: Number, *, fixed: Number = 0) -> Decimal:
    """A unit price of `markup_pct` per cent over cost, plus `fixed`. 0 per cent passes the cost on."""
    return decimal(exact(cost_unit) * (1 + exact(markup_pct) / 100) + exact(fixed))
