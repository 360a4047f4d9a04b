"""Limits from the texts of a form or a command."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from billing.limits.schemas import SPEND, LimitInput
from canonical.money import stored_exponent
from foundation.errors import InvalidInput
from foundation.marks import N_

AMOUNTS: Final = ("included", "soft_limit", "hard_limit", "override_limit")


def read_limit(typed: Mapping[str, str], currency: str | None) -> LimitInput:
    """Limits from texts: amounts of `SPEND` in major units, and the last day (UTC) of a temporary limit.

    Raises:
        InvalidInput: names the field.
    """
    meter = typed.get("meter", "")
    amounts = {name: _number(typed.get(name, ""), name) for name in AMOUNTS}
    if meter == SPEND:
        places = stored_exponent(currency) if currency else 2
        amounts = {name: None if one is None else one.scaleb(places) for name, one in amounts.items()}
    return LimitInput(
        meter=meter, is_on=typed.get("is_on", "on") == "on", override_until=_end_of(typed.get("override_until", "")),
        override_reason=typed.get("override_reason", ""), **amounts,
    )  # fmt: skip


def _number(typed: str, field: str) -> Decimal | None:
    if not typed:
        return None
    try:
        found = Decimal(typed)
    except InvalidOperation as wrong:
        raise InvalidInput(N_("Enter a number such as 1000 or 12.5."), field=field) from wrong
    if not found.is_finite() or abs(found.adjusted()) > 30:
        raise InvalidInput(N_("Enter a number such as 1000 or 12.5."), field=field)
    return found


def _end_of(typed: str) -> datetime | None:
    """The end of the day."""
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed)
        return datetime.combine(day, time(), UTC) + timedelta(days=1)
    except (ValueError, OverflowError) as wrong:
        raise InvalidInput(N_("Enter a day such as 2026-11-30."), field="override_until") from wrong
