"""Prices by quantity: graduated, volume, percentage tiers, packages and blocks."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from math import ceil

import msgspec

from billing.pricing.numbers import Number, decimal, exact


class PriceTier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units up to and including `up_to`; None for the last tier. `unit_price` is the price of one unit, or of one block
    in a price of blocks; `flat` is due when the tier is entered. Bounds are adjacent: 100.5 lies above a tier that ends
    at 100.
    """

    up_to: Decimal | None
    unit_price: Decimal
    flat: Decimal = Decimal(0)


class PercentTier(msgspec.Struct, frozen=True):
    """As `PriceTier`, with `rate_pct` per cent of the amount in the tier."""

    up_to: Decimal | None
    rate_pct: Decimal
    flat: Decimal = Decimal(0)


class BlockTier(msgspec.Struct, frozen=True):
    """Blocks of `size` units at `price` each; at most `max_blocks` of them, None for no limit."""

    size: Number
    price: Number
    max_blocks: int | None = None


class PackageCharge(msgspec.Struct, frozen=True):
    packages: int
    amount: Decimal


def graduated(
    tiers: Sequence[PriceTier], quantity: Number, *, before: Number = 0, zero_usage_pays_first_flat: bool = False
) -> Decimal:
    """Each unit at the price of the tier that it lies in, plus the flat fee of every tier entered.

    `before`: units of the same period that were billed already, with the tiers they entered.
    `zero_usage_pays_first_flat`: a period without use still pays the first tier's flat fee.

    Raises:
        ValueError: no tiers, bounds that do not rise, or a last tier with an end.
    """
    return _between(partial(_graduated, tiers, pays_first_flat=zero_usage_pays_first_flat), before, quantity)


def volume(
    tiers: Sequence[PriceTier], quantity: Number, *, before: Number = 0, zero_usage_pays_first_flat: bool = False
) -> Decimal:
    """All units at the price of the one tier that their number lies in, plus its flat fee only. The amount may fall
    when the next tier is reached; with `before` the difference can then be negative.

    Raises:
        ValueError: as `graduated`.
    """
    _check(tiers)

    def cost(units: Fraction) -> Fraction:
        if units <= 0 and not zero_usage_pays_first_flat:
            return Fraction(0)
        tier = next(tier for tier in tiers if tier.up_to is None or units <= exact(tier.up_to))
        return units * exact(tier.unit_price) + exact(tier.flat)

    return _between(cost, before, quantity)


def graduated_percentage(
    tiers: Sequence[PercentTier], amount: Number, *, before: Number = 0, zero_usage_pays_first_flat: bool = False
) -> Decimal:
    """Graduated rates on an amount: each part of it at its tier's rate, plus the flat fee of every tier entered."""
    by_unit = [PriceTier(tier.up_to, tier.rate_pct, tier.flat) for tier in tiers]
    cost = partial(_graduated, by_unit, pays_first_flat=zero_usage_pays_first_flat, units_per_price=100)
    return _between(cost, before, amount)


def _graduated(
    tiers: Sequence[PriceTier], units: Fraction, *, pays_first_flat: bool, units_per_price: int = 1
) -> Fraction:
    _check(tiers)
    amount, floor = Fraction(0), Fraction(0)
    for number, tier in enumerate(tiers):
        if units <= floor and not (number == 0 and pays_first_flat):
            break
        top = units if tier.up_to is None else min(units, exact(tier.up_to))
        amount += max(Fraction(0), top - floor) * exact(tier.unit_price) / units_per_price + exact(tier.flat)
        floor = units if tier.up_to is None else exact(tier.up_to)
    return amount


def package(  # noqa: PLR0913 - keyword-only
    size: Number,
    price: Number,
    quantity: Number,
    *,
    free: Number = 0,
    before: Number = 0,
    min_packages: int = 0,
) -> PackageCharge:
    """Whole packages of `size` units beyond the free ones, counted over the period: units `before` have paid for the
    packages they began. `min_packages`: charged at least, also for no use.

    Raises:
        ValueError: a size of 0 or less.
    """
    if exact(size) <= 0:
        raise ValueError("a package has a size above 0")

    def packages(units: Fraction) -> int:
        return max(min_packages, ceil(max(Fraction(0), units - exact(free)) / exact(size)))

    start = exact(before)
    count = packages(start + exact(quantity)) - (packages(start) if start else 0)
    return PackageCharge(count, decimal(count * exact(price)))


def block_tiers(
    tiers: Sequence[BlockTier], quantity: Number, *, top_tier_only: bool = False, before: Number = 0
) -> Decimal:
    """Begun blocks of each tier in turn; with `top_tier_only` all units in blocks of the tier that the last one lies
    in. Bounds are counted in blocks and added up over the tiers. Units beyond the last tier's bound are charged at
    that tier.

    Raises:
        ValueError: no tiers, or a block without a size.
    """
    if not tiers or any(exact(tier.size) <= 0 for tier in tiers):
        raise ValueError("blocks have a size above 0")

    def cost(units: Fraction) -> Fraction:
        amount, rest = Fraction(0), max(Fraction(0), units)
        for number, tier in enumerate(tiers):
            size, price = exact(tier.size), exact(tier.price)
            room = None if tier.max_blocks is None or number == len(tiers) - 1 else tier.max_blocks * size
            if room is None or rest <= room:
                return ceil(units / size) * price if top_tier_only else amount + ceil(rest / size) * price
            amount, rest = amount + ceil(room / size) * price, rest - room
        return amount

    return _between(cost, before, quantity)


def _between(cost: Callable[[Fraction], Fraction], before: Number, quantity: Number) -> Decimal:
    start = exact(before)
    return decimal(cost(start + exact(quantity)) - (cost(start) if start else 0))


def _check(tiers: Sequence[PriceTier]) -> None:
    floor = Fraction(0)
    for number, tier in enumerate(tiers):
        if (tier.up_to is None) != (number == len(tiers) - 1):
            raise ValueError("only the last tier has no end")
        if tier.up_to is not None:
            if exact(tier.up_to) <= floor:
                raise ValueError("each tier ends above the one before it")
            floor = exact(tier.up_to)
    if not tiers:
        raise ValueError("tiers are missing")
