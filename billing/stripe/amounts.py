"""Amounts in Stripe's smallest units, whose number of digits differs from ISO 4217 for some currencies.

https://docs.stripe.com/currencies#zero-decimal
"""

from typing import Final

from billing.payments.port import AmountRefused
from canonical.money import stored_exponent
from foundation.marks import N_

_WHOLE: Final = frozenset(
    {
        "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF",
    }
)  # fmt: skip
_THOUSANDTHS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""Currencies with three decimals, of which the last must be 0."""
_HUNDREDTHS: Final = 2
"""Decimals of all other currencies, also of ISK and UGX, which ISO 4217 gives none."""


def amount_out(minor: int, currency: str) -> int:
    """Convert our minor units to Stripe's. Raises AmountRefused: Stripe has fewer digits."""
    ours, theirs = 10 ** stored_exponent(currency), 10 ** _digits(currency)
    amount, rest = divmod(minor * theirs, ours)
    if rest or amount % _step(currency):
        raise AmountRefused(
            N_("Stripe takes amounts in {currency} with fewer decimals. Credit the difference, or collect it outside."),
            params={"currency": currency},
        )
    return int(amount)


def part_out(minor: int, basis_points: int, currency: str) -> int:
    """A share of an amount in Stripe's units, rounded down to a step that Stripe accepts. Raises AmountRefused."""
    part = amount_out(minor, currency) * basis_points // 10_000
    return part - part % _step(currency)


def given_back_share(share: int, *, total: int, held: int) -> int:
    """Total of the platform's share to return when only `held` of an invoice's `total` is left, in Stripe's units. The
    kept part is rounded down.
    """
    return share - share * max(0, min(held, total)) // total


def amount_in(amount: int, currency: str) -> int:
    """Convert Stripe's units to our minor units, rounded down where ours are larger."""
    return int(amount * 10 ** stored_exponent(currency) // 10 ** _digits(currency))


def _digits(currency: str) -> int:
    if currency in _WHOLE:
        return 0
    return 3 if currency in _THOUSANDTHS else _HUNDREDTHS


def _step(currency: str) -> int:
    return 10 if currency in _THOUSANDTHS else 1
