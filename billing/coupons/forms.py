"""The form of a new coupon."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from billing.coupons.schemas import CouponInput
from billing.coupons.terms import CouponDuration
from billing.forms import build_body
from canonical.money import KEPT
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.web.lists import is_day

Typed = Mapping[str, str]
_MOST: Final = 10**15


def read_coupon(typed: Typed) -> CouponInput:
    """Read a coupon from the fields of a form.

    Raises:
        InvalidInput: names the field.
    """
    currency = typed.get("currency", "").upper()
    duration = typed.get("duration", CouponDuration.ONCE.value)
    if duration not in list(CouponDuration):
        raise InvalidInput(N_("Choose how long it is."), field="duration")
    first = typed.get("valid_from", "")
    values = {
        "code": typed.get("code", ""), "name": typed.get("name", ""), "percent": _percent(typed.get("percent", "")),
        "amount_minor": _amount(typed.get("amount", ""), currency),
        "currency": (currency or None) if typed.get("amount") else None, "duration": duration,
        "months": _count(typed, "months") if duration == CouponDuration.MONTHS else None,
        "recurring": bool(typed.get("recurring")), "only": typed.get("only", "").replace(",", " ").split(),
        "valid_from": _day(typed, "valid_from") if first else None, "valid_until": _day(typed, "valid_until"),
        "max_clients": _count(typed, "max_clients"),
    }  # fmt: skip
    return build_body(CouponInput, values)


def _percent(text: str) -> Decimal | None:
    """Raises InvalidInput."""
    if not text:
        return None
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise InvalidInput(N_("Enter a percentage such as 10."), field="percent") from None


def _amount(text: str, currency: str) -> int | None:
    """Raises InvalidInput."""
    if not text:
        return None
    number = text.replace(",", ".")
    whole, _, digits = number.partition(".")
    exponent = KEPT.get(currency, 2)
    if not (number.isascii() and whole.isdigit() and (digits or "0").isdigit() and len(digits) <= exponent):
        raise InvalidInput(N_("Enter an amount such as 12.50."), field="amount")
    amount = int(Decimal(number).scaleb(exponent)) if len(number) <= 18 else _MOST + 1
    if not 0 < amount <= _MOST:
        raise InvalidInput(N_("Enter an amount such as 12.50."), field="amount")
    return amount


def _count(typed: Typed, name: str) -> int | None:
    """Raises InvalidInput."""
    text = typed.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise InvalidInput(N_("Enter a whole number."), field=name)
    return int(text)


def _day(typed: Typed, name: str) -> date | None:
    """Raises InvalidInput."""
    text = typed.get(name, "")
    if text and not is_day(text):
        raise InvalidInput(N_("Enter a day, such as 2026-11-29."), field=name)
    return date.fromisoformat(text) if text else None
