"""Terms of a price, and the cost of usage by them: pure, exact, independent of the order in which usage arrived."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

import msgspec

from billing.errors import PriceNotAllowed
from billing.price_books.cells import PriceCell, cell_amount, check_dimensions
from billing.pricing import tiers as tiered
from billing.pricing.charges import DimensionUsage
from billing.pricing.numbers import exact
from billing.pricing.rounding import round_to_integer
from billing.pricing.rules import BillingRules
from billing.pricing.tiers import PriceTier
from canonical.money import stored_exponent
from foundation.marks import N_

_PLACES = 8
_LIMIT = Decimal(10) ** 12
_MOST_UNITS = Decimal(10) ** 18
QUANTITY_PLACES = 9
"""Decimals of a quantity, as the usage ledger keeps them."""
RULES: Final = BillingRules()


class PriceKind(StrEnum):
    """How units become an amount. The label is shown in the editor."""

    PER_UNIT = "per_unit"
    GRADUATED = "graduated"
    VOLUME = "volume"
    PACKAGE = "package"
    BLOCKS = "blocks"
    FLAT = "flat"
    PERCENTAGE = "percentage"
    MATRIX = "matrix"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS: Final = {
    PriceKind.PER_UNIT: N_("Per unit"),
    PriceKind.GRADUATED: N_("Graduated: each unit at the price of its tier"),
    PriceKind.VOLUME: N_("Volume: all units at the price of one tier"),
    PriceKind.PACKAGE: N_("Packages of several units"),
    PriceKind.BLOCKS: N_("Blocks, cheaper by tier"),
    PriceKind.FLAT: N_("A fee for each month with usage"),
    PriceKind.PERCENTAGE: N_("A percentage of the amount used"),
    PriceKind.MATRIX: N_("By dimension: a price for each value"),
}
TIERED: Final = frozenset({PriceKind.GRADUATED, PriceKind.VOLUME, PriceKind.BLOCKS})
SIZED: Final = frozenset({PriceKind.PACKAGE, PriceKind.BLOCKS})
PRICED: Final = frozenset({PriceKind.PER_UNIT, PriceKind.PACKAGE, PriceKind.FLAT, PriceKind.MATRIX})
"""Kinds with one price of their own."""


class Terms(msgspec.Struct, frozen=True):
    """`included` units are free per period; the rest is charged by `kind`.

    `unit_price` is the price of a unit or a package, or the month's fee; with tiers, the first tier's; with cells, of
    all other units. `size`: units of a package or block. `rate_pct` and `per_event`: per cent of the quantity, which is
    an amount then, and a fee for each event. `minimum` and `maximum` bound the cost of a period with usage.
    """

    unit_price: Decimal
    included: Decimal = Decimal(0)
    tiers: tuple[PriceTier, ...] = ()
    kind: PriceKind = PriceKind.PER_UNIT
    size: Decimal = Decimal(0)
    rate_pct: Decimal = Decimal(0)
    per_event: Decimal = Decimal(0)
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    cells: tuple[PriceCell, ...] = ()

    def __post_init__(self) -> None:
        if self.tiers and self.kind is PriceKind.PER_UNIT:  # as earlier releases stored graduated prices
            msgspec.structs.force_setattr(self, "kind", PriceKind.GRADUATED)


class Charge(msgspec.Struct, frozen=True):
    included: Decimal
    amount_minor: int


def charge(  # noqa: PLR0913 - keyword-only
    terms: Terms,
    *,
    before: Decimal | int,
    quantity: Decimal | int,
    currency: str,
    events: int | None = None,
    events_before: int | None = None,
    rules: BillingRules = RULES,
    parts: Sequence[DimensionUsage] = (),
) -> Charge:
    """The price of `quantity` units after `before` units of the same meter and period; rounded once, by the rules.

    Charges in a row use the allowance, the tiers and the minimum exactly as one charge of their sum does. `events`: the
    numbers of events behind the quantities, where the terms count them; without, one for any quantity. `parts`: the
    quantity by cell of a price by dimension.
    """
    before, after = Decimal(before), Decimal(before) + quantity
    earlier = int(before != 0) if events_before is None else events_before
    later = earlier + (int(quantity != 0) if events is None else events)
    if terms.kind is PriceKind.MATRIX:  # each unit has its own price, whatever was used before
        amount = exact(cell_amount(terms.cells, terms.unit_price, Decimal(quantity), parts))
    else:
        amount = _cost(terms, after, later, rules) - _cost(terms, before, earlier, rules)
    minor = round_to_integer(amount * 10 ** stored_exponent(currency), rules.rounding)
    included = _included(terms, after) - _included(terms, before)
    return Charge(included=included, amount_minor=minor)


def _included(terms: Terms, units: Decimal) -> Decimal:
    return max(Decimal(0), min(terms.included, units))


def _cost(terms: Terms, units: Decimal, events: int, rules: BillingRules) -> Fraction:
    """Cost of a period with so much usage in all; 0 without an event."""
    if events <= 0:
        return Fraction(0)
    amount = _by_kind(terms, max(Fraction(0), exact(units) - exact(terms.included)), events, rules)
    if terms.minimum is not None:
        amount = max(amount, exact(terms.minimum))
    return amount if terms.maximum is None else min(amount, exact(terms.maximum))


def _by_kind(terms: Terms, units: Fraction, events: int, rules: BillingRules) -> Fraction:
    price = exact(terms.unit_price)
    match terms.kind:
        case PriceKind.PER_UNIT:
            return units * price
        case PriceKind.FLAT:
            return price
        case PriceKind.PACKAGE:
            return exact(tiered.package(terms.size, price, units, min_packages=rules.min_packages).amount)
        case PriceKind.PERCENTAGE:
            return units * exact(terms.rate_pct) / 100 + events * exact(terms.per_event)
        case PriceKind.BLOCKS:
            return exact(tiered.block_tiers(_blocks(terms), units))
    by_tier = tiered.volume if terms.kind is PriceKind.VOLUME else tiered.graduated
    return exact(by_tier(terms.tiers, units, zero_usage_pays_first_flat=rules.zero_usage_pays_first_flat))


def _blocks(terms: Terms) -> list[tiered.BlockTier]:
    blocks: list[tiered.BlockTier] = []
    floor = Decimal(0)
    for tier in terms.tiers:
        count = None if tier.up_to is None else int((tier.up_to - floor) / terms.size)
        blocks.append(tiered.BlockTier(terms.size, tier.unit_price, count))
        floor = tier.up_to or floor
    return blocks


def check_terms(terms: Terms) -> Terms:
    """Validated terms, with `unit_price` taken from the first tier if there are tiers.

    Raises:
        PriceNotAllowed: names the invalid part.
    """
    for name in ("unit_price", "rate_pct", "per_event", "minimum", "maximum"):
        check_price(getattr(terms, name), name)
    for price in (price for tier in terms.tiers for price in (tier.unit_price, tier.flat)):
        check_price(price, "tiers")
    _check_cells(terms)
    check_quantity(terms.included, "included")
    check_quantity(terms.size, "size")
    if bool(terms.tiers) != (terms.kind in TIERED):
        raise PriceNotAllowed(
            N_("A price by tiers has at least one tier, and any other price has none."), field="tiers"
        )
    if (terms.size > 0) != (terms.kind in SIZED):
        raise PriceNotAllowed(
            N_("A price of packages or blocks needs their size, and any other price has none."), field="size"
        )
    if terms.minimum is not None and terms.maximum is not None and terms.minimum > terms.maximum:
        raise PriceNotAllowed(N_("The minimum is not above the maximum."), field="minimum")
    if terms.kind is not PriceKind.PERCENTAGE and (terms.rate_pct or terms.per_event):
        raise PriceNotAllowed(N_("Only a price by percentage has a rate and a fee for each event."), field="rate_pct")
    return _check_tiers(terms) if terms.tiers else terms


def _check_cells(terms: Terms) -> None:
    if bool(terms.cells) != (terms.kind is PriceKind.MATRIX):
        raise PriceNotAllowed(
            N_("A price by dimension has at least one cell, and any other price has none."), field="cells"
        )
    check_dimensions(terms.cells)
    for cell in terms.cells:
        check_price(cell.unit_price, "cells")
    if terms.cells and (terms.included or terms.minimum is not None or terms.maximum is not None):
        raise PriceNotAllowed(
            N_("A price by dimension has no included units, no minimum and no maximum."), field="cells"
        )


def _check_tiers(terms: Terms) -> Terms:
    *bounded, last = (tier.up_to for tier in terms.tiers)
    if last is not None:
        raise PriceNotAllowed(N_("The last tier has no upper end: leave its up_to empty."), field="tiers")
    floor = Decimal(0)
    for bound in bounded:
        if bound is not None:
            check_quantity(bound, "tiers")
        if bound is None or bound <= floor:
            raise PriceNotAllowed(
                N_("Each tier must end above the one before it; only the last has no end."), field="tiers"
            )
        if terms.kind is PriceKind.BLOCKS and bound % terms.size:
            raise PriceNotAllowed(N_("Each tier of blocks ends with a whole block."), field="tiers")
        floor = bound
    if terms.kind is PriceKind.BLOCKS and any(tier.flat for tier in terms.tiers):
        raise PriceNotAllowed(N_("Tiers of blocks have no fee of their own."), field="tiers")
    return msgspec.structs.replace(terms, unit_price=terms.tiers[0].unit_price)


def check_quantity(quantity: Decimal, field: str = "quantity") -> None:
    """Check a quantity in the terms of a price. Raises PriceNotAllowed."""
    if not quantity.is_finite() or not 0 <= quantity < _MOST_UNITS or quantity != round(quantity, QUANTITY_PLACES):
        raise PriceNotAllowed(
            N_("A quantity is a number of 0 or more with at most {number} decimals."),
            params={"number": QUANTITY_PLACES},
            field=field,
        )


def check_price(price: Decimal | None, field: str) -> None:
    """Check an amount in the terms of a price. Raises PriceNotAllowed."""
    if price is None:
        return
    if not price.is_finite() or not 0 <= price < _LIMIT:
        raise PriceNotAllowed(
            N_("A unit price is a number of 0 or more with at most 12 digits before the point."), field=field
        )
    if price != round(price, _PLACES):
        raise PriceNotAllowed(
            N_("A unit price has at most {number} decimals."), params={"number": _PLACES}, field=field
        )


def tiers_to_json(tiers: Iterable[PriceTier]) -> list[dict[str, Any]] | None:
    return [_tier(tier) for tier in tiers] or None


def _tier(tier: PriceTier) -> dict[str, Any]:
    stored = {"up_to": None if tier.up_to is None else plain(tier.up_to), "unit_price": str(tier.unit_price)}
    return stored | ({"flat": str(tier.flat)} if tier.flat else {})


def plain(quantity: Decimal) -> int | str:
    """A quantity as stored and hashed: a whole number as an integer, any other as text without trailing zeros."""
    whole = int(quantity)
    return whole if whole == quantity else f"{quantity:f}".rstrip("0")


def further_terms(terms: Terms) -> dict[str, Any]:
    """Terms without a column of their own; empty for prices per unit and graduated ones."""
    stored: dict[str, Any] = msgspec.to_builtins(terms)
    usual = msgspec.to_builtins(Terms(terms.unit_price, terms.included, terms.tiers))
    return {name: value for name, value in stored.items() if value != usual[name]}


def terms_from_row(row: Mapping[Any, Any]) -> Terms:
    """Terms from the columns `unit_price`, `tiers` and `terms`, and `included_quantity` where there is one.

    Raises:
        PriceNotAllowed: the stored terms are not valid.
    """
    included = row.get("included_quantity", Decimal(0))
    columns = {"unit_price": str(row["unit_price"]), "included": str(included), "tiers": row["tiers"] or []}
    try:
        return msgspec.convert(columns | row["terms"], Terms)
    except msgspec.ValidationError as error:
        raise PriceNotAllowed(N_("These terms cannot be read: {error}."), params={"error": str(error)}) from error
