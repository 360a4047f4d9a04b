"""Money as integer minor units with an ISO 4217 currency; decimals only at the edges."""

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

# ISO 4217 exponents that are not 2, of the currencies in use.
_EXPONENTS = {
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0,
    "UGX": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
}  # fmt: skip


def minor_exponent(currency: str) -> int:
    """Digits after the decimal point of `currency` (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


class Money(msgspec.Struct, frozen=True, order=False):
    """`minor` counts the smallest unit of `currency`: 1999 USD is $19.99, 1999 JPY is ¥1999."""

    minor: int
    currency: str

    @classmethod
    def from_decimal(cls, amount: Decimal, currency: str) -> "Money":
        """Round half to even to the currency's minor unit.

        Raises:
            ValueError: the amount is not finite.
        """
        if not amount.is_finite():
            raise ValueError(f"{amount} is not an amount of money")
        scaled = amount.scaleb(minor_exponent(currency)).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
        return cls(int(scaled), currency)

    def to_decimal(self) -> Decimal:
        return Decimal(self.minor).scaleb(-minor_exponent(self.currency))

    def __str__(self) -> str:
        exponent = minor_exponent(self.currency)
        return f"{self.to_decimal():,.{exponent}f} {self.currency}"
