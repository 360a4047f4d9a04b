"""Price arithmetic: pure, decimal, independent of the order in which usage arrived."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any
from uuid import UUID

import msgspec

from billing.errors import PriceNotAllowed
from billing.periods import Service
from canonical.money import stored_exponent
from foundation.marks import N_

_DIGITS = 80  # a quantity of 27 digits times numeric(20, 8), exactly
_PLACES = 8
_LIMIT = Decimal(10) ** 12
_MOST_UNITS = Decimal(10) ** 18
QUANTITY_PLACES = 9
"""Decimals of a quantity, as the usage ledger keeps them."""


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`unit_price` for chargeable units up to and including number `up_to`; the last tier has no end."""

    up_to: Decimal | None
    unit_price: Decimal


class Terms(msgspec.Struct, frozen=True):
    """`included` units are free per period; the rest is chargeable, at `unit_price` or by graduated `tiers`."""

    unit_price: Decimal
    included: Decimal = Decimal(0)
    tiers: tuple[Tier, ...] = ()


class Charge(msgspec.Struct, frozen=True):
    included: Decimal
    amount_minor: int


def charge(terms: Terms, *, before: Decimal | int, quantity: Decimal | int, currency: str) -> Charge:
    """The price of `quantity` units after `before` units of the same meter and period; rounded once, half to even.

    Two charges in a row use the allowance and the tiers exactly as one charge of their sum does.
    """
    with localcontext(prec=_DIGITS):
        before, after = Decimal(before), Decimal(before) + quantity
        amount = _cost(terms, after) - _cost(terms, before)
        minor = amount.scaleb(stored_exponent(currency)).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
        included = min(terms.included, after) - min(terms.included, before)
    return Charge(included=included, amount_minor=int(minor))


def _cost(terms: Terms, units: Decimal) -> Decimal:
    chargeable = max(Decimal(0), units - terms.included)
    if not terms.tiers:
        return chargeable * terms.unit_price
    cost, passed = Decimal(0), Decimal(0)
    for tier in terms.tiers:
        reached = chargeable if tier.up_to is None else min(chargeable, tier.up_to)
        cost += (reached - passed) * tier.unit_price
        passed = reached
    return cost


def check_terms(terms: Terms) -> Terms:
    """Validated terms, with `unit_price` taken from the first tier if there are tiers.

    Raises:
        PriceNotAllowed: names the invalid part.
    """
    for price in (terms.unit_price, *(tier.unit_price for tier in terms.tiers)):
        _check_price(price)
    check_quantity(terms.included)
    if not terms.tiers:
        return terms
    *bounded, last = (tier.up_to for tier in terms.tiers)
    if last is not None:
        raise PriceNotAllowed(N_("The last tier has no upper end: leave its up_to empty."))
    floor = Decimal(0)
    for bound in bounded:
        if bound is not None:
            check_quantity(bound)
        if bound is None or bound <= floor:
            raise PriceNotAllowed(N_("Each tier must end above the one before it; only the last has no end."))
        floor = bound
    return msgspec.structs.replace(terms, unit_price=terms.tiers[0].unit_price)


def check_quantity(quantity: Decimal) -> None:
    """Raises PriceNotAllowed for a quantity that a price cannot name."""
    if not quantity.is_finite() or not 0 <= quantity < _MOST_UNITS or quantity != round(quantity, QUANTITY_PLACES):
        raise PriceNotAllowed(
            N_("A quantity is a number of 0 or more with at most {number} decimals."),
            params={"number": QUANTITY_PLACES},
        )


def _check_price(price: Decimal) -> None:
    if not price.is_finite() or not 0 <= price < _LIMIT:
        raise PriceNotAllowed(N_("A unit price is a number of 0 or more with at most 12 digits before the point."))
    if price != round(price, _PLACES):
        raise PriceNotAllowed(N_("A unit price has at most {number} decimals."), params={"number": _PLACES})


def tiers_to_json(tiers: Iterable[Tier]) -> list[dict[str, Any]] | None:
    return [
        {"up_to": None if tier.up_to is None else plain(tier.up_to), "unit_price": str(tier.unit_price)}
        for tier in tiers
    ] or None


def plain(quantity: Decimal) -> int | str:
    """A quantity as stored and hashed: a whole number as an integer, any other as text without trailing zeros."""
    whole = int(quantity)
    return whole if whole == quantity else f"{quantity:f}".rstrip("0")


def tiers_from_json(stored: object) -> tuple[Tier, ...]:
    """Raises PriceNotAllowed for anything that is not a list of tiers."""
    try:
        return tuple(msgspec.convert(stored or [], list[Tier], strict=True))
    except msgspec.ValidationError as error:
        raise PriceNotAllowed(N_("These tiers cannot be read: {error}."), params={"error": str(error)}) from error


class Validity(msgspec.Struct, frozen=True):
    """A price of one meter and its validity; `end` None means until the next price."""

    meter: str
    price_id: UUID
    start: datetime
    end: datetime | None


class Slot(msgspec.Struct, frozen=True):
    """Usage of `meter` from `start` until `end`, with its price and its allowance."""

    meter: str
    price_id: UUID
    start: datetime
    end: datetime
    allowance_from: datetime


def slots_for(own: Sequence[Validity], common: Sequence[Validity], services: Sequence[Service]) -> list[Slot]:
    """Disjoint slots: a client's own price takes precedence over the common one wherever both apply."""
    slots: list[Slot] = []
    for service in services:
        mine = [slot for price in own if (slot := _within(price, service))]
        slots += mine
        for price in common:
            if slot := _within(price, service):
                slots += _without(slot, [own_slot for own_slot in mine if own_slot.meter == slot.meter])
    return slots


def _within(price: Validity, service: Service) -> Slot | None:
    start = max(price.start, service.start)
    end = service.end if price.end is None else min(price.end, service.end)
    if start >= end:
        return None
    return Slot(price.meter, price.price_id, start, end, service.allowance_from)


def _without(slot: Slot, taken: Iterable[Slot]) -> list[Slot]:
    rest: list[Slot] = []
    cursor = slot.start
    for hole in sorted(taken, key=lambda other: other.start):
        if hole.start > cursor and cursor < slot.end:
            rest.append(msgspec.structs.replace(slot, start=cursor, end=min(hole.start, slot.end)))
        cursor = max(cursor, hole.end)
    if cursor < slot.end:
        rest.append(msgspec.structs.replace(slot, start=cursor))
    return rest
