"""The form of a new pack."""

from collections.abc import Mapping
from decimal import Decimal

from billing.forms import build_body
from billing.packs.schemas import UnitPackInput
from billing.price_books.forms import read_number
from canonical.money import stored_exponent
from foundation.errors import InvalidInput
from foundation.marks import N_

_COUNTS = ("months", "priority")


def read_pack(typed: Mapping[str, str], currency: str) -> UnitPackInput:
    """Read a pack from the texts of a form or a command, with its price in major units of the currency.

    Raises:
        InvalidInput: names the field.
    """
    for name in _COUNTS:
        if (value := typed.get(name, "")) and not (value.isascii() and value.isdigit() and len(value) <= 4):
            raise InvalidInput(N_("Enter a whole number."), field=name)
    units = {name: read_number(typed, name) or Decimal(0) for name in ("units", "rollover_units", "low_units")}
    values = {
        **units, "name": typed.get("name", ""), "meter": typed.get("meter", ""), "reason": typed.get("reason", ""),
        "price_minor": _minor(typed, currency),
        "first_month": typed.get("first_month", ""), "months": int(typed["months"]) if typed.get("months") else None,
        "priority": int(typed.get("priority") or 100),
    }  # fmt: skip
    return build_body(UnitPackInput, values)


def _minor(typed: Mapping[str, str], currency: str) -> int:
    """Raises InvalidInput."""
    amount = read_number(typed, "price")
    minor = None if amount is None else amount.scaleb(stored_exponent(currency))
    if minor is None or minor != minor.to_integral_value():
        raise InvalidInput(N_("Enter an amount such as 12.50."), field="price")
    return int(minor)
