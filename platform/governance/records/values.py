"""Values from the columns of a row."""

from canonical.values import Value


def to_value(amount: int | None, currency: str | None) -> Value | None:
    return None if amount is None else Value(amount, currency or "")
