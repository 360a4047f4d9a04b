"""Values of elements: integers with a currency, or pieces."""

import msgspec


class Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """An integer amount: minor units of `currency` for money, pieces for stock (then `currency` is empty)."""

    amount: int
    currency: str = ""
