"""The comparison. No input or output."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from billing.three_way.schemas import CheckTotal, DifferenceKind, Explanation, ThreeWayDifference

_DIGITS: Final = 80
Key = tuple[UUID, str]
"""Client and product: a meter, or an item of a plan."""
Price = Callable[[Key, Decimal], "tuple[Decimal, str] | None"]
"""(client and product, units) -> (price of the units in the month, currency)."""


class VendorSide(NamedTuple):
    """The vendors' side of a product. `amount` is None and `currency` empty for several currencies."""

    quantity: Decimal
    amount: Decimal | None
    currency: str


class BilledSide(NamedTuple):
    quantity: Decimal
    amount: Decimal
    currency: str
    on_draft: bool


class Sides(msgspec.Struct, frozen=True):
    """A month's three sides by client and product. `measured`: the meters with any usage in the month."""

    vendor: Mapping[Key, VendorSide]
    used: Mapping[Key, Decimal]
    billed: Mapping[Key, BilledSide]
    measured: frozenset[str]


_NOTHING = BilledSide(Decimal(0), Decimal(0), "", on_draft=False)


def keys_of(sides: Sides) -> Sequence[Key]:
    return sorted({*sides.vendor, *sides.used, *sides.billed})


def find_differences(
    sides: Sides, price: Price, explained: Mapping[Key, Sequence[Explanation]]
) -> Sequence[ThreeWayDifference]:
    """All differences, those with the largest amount first."""
    found = [
        difference
        for key in keys_of(sides)
        if (difference := compare(key, sides, price, explained.get(key, ()))) is not None
    ]
    return sorted(
        found, key=lambda one: (-abs(one.amount or one.vendor_amount or Decimal(0)), str(one.client_id), one.product)
    )


def compare(key: Key, sides: Sides, price: Price, explained: Sequence[Explanation]) -> ThreeWayDifference | None:
    """The difference of one client's product; None if all known quantities agree."""
    vendor, billed = sides.vendor.get(key), sides.billed.get(key, _NOTHING)
    used = sides.used.get(key, Decimal(0)) if key[1] in sides.measured else None
    if used is None and vendor is None:
        return None
    delivered = used if used is not None else (vendor.quantity if vendor else Decimal(0))
    difference = delivered - billed.quantity
    vendor_difference = vendor.quantity - used if vendor is not None and used is not None else None
    if not difference and not vendor_difference:
        return None
    amount, currency, at_cost = _amount(key, delivered, billed, vendor, price)
    unit_cost = _unit_cost(vendor)
    latest = explained[0] if explained else None
    now = (None if vendor is None else vendor.quantity, used, billed.quantity)
    return ThreeWayDifference(
        client_id=key[0], product=key[1], vendor_quantity=now[0], used_quantity=used, billed_quantity=billed.quantity,
        delivered=delivered, difference=difference, amount=amount, currency=currency, at_cost=at_cost,
        vendor_difference=vendor_difference,
        vendor_amount=_rounded(vendor_difference * unit_cost) if vendor_difference and unit_cost is not None else None,
        vendor_currency=vendor.currency if vendor else "", on_draft=billed.on_draft,
        kinds=_kinds(difference, vendor_difference),
        explanation=None if latest is None else msgspec.structs.replace(latest, is_current=now == _quantities(latest)),
    )  # fmt: skip


def _amount(
    key: Key, delivered: Decimal, billed: BilledSide, vendor: VendorSide | None, price: Price
) -> tuple[Decimal | None, str, bool]:
    """Amount, currency, and whether it is at cost."""
    difference = delivered - billed.quantity
    if not difference:
        return Decimal(0), billed.currency, False
    should, was = price(key, delivered), price(key, billed.quantity)
    if should is not None and was is not None:
        return should[0] - was[0], should[1], False
    if billed.quantity:
        return _rounded(billed.amount * difference / billed.quantity), billed.currency, False
    unit_cost = _unit_cost(vendor)
    if unit_cost is not None and vendor is not None:
        return _rounded(unit_cost * difference), vendor.currency, True
    return None, "", False


def _unit_cost(vendor: VendorSide | None) -> Decimal | None:
    if vendor is None or vendor.amount is None or not vendor.quantity:
        return None
    return vendor.amount / vendor.quantity


def _rounded(amount: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = _DIGITS
        return round(amount, 2)


def _kinds(difference: Decimal, vendor_difference: Decimal | None) -> Sequence[DifferenceKind]:
    found: list[DifferenceKind] = []
    if difference:
        found.append(DifferenceKind.LEAKAGE if difference > 0 else DifferenceKind.GHOST)
    if vendor_difference:
        found.append(DifferenceKind.VENDOR_OVER if vendor_difference > 0 else DifferenceKind.VENDOR_UNDER)
    return found


def _quantities(one: Explanation) -> tuple[Decimal | None, Decimal | None, Decimal]:
    return one.vendor_quantity, one.used_quantity, one.billed_quantity


def total(differences: Iterable[ThreeWayDifference]) -> Sequence[CheckTotal]:
    """Totals by currency; amounts of different currencies are never added."""
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for one in differences:
        if one.amount:
            sums[one.currency][0 if one.amount > 0 else 1] += one.amount
        if one.vendor_amount and one.vendor_amount > 0:
            sums[one.vendor_currency][2] += one.vendor_amount
    return [
        CheckTotal(currency=currency, leakage=leakage, ghost=ghost, vendor_over=over)
        for currency, (leakage, ghost, over) in sorted(sums.items())
    ]
