"""Fields of retention's forms."""

from collections.abc import Mapping
from typing import Any, Final

from foundation.errors import InvalidInput
from foundation.marks import N_

_MOST_DIGITS: Final = 6


def text_of(form: Mapping[str, Any], name: str) -> str:
    return str(form.get(name, "")).strip()


def days_of(form: Mapping[str, Any]) -> int | None:
    """Parse `keep_days`; None for an empty field, the default. Raises InvalidInput."""
    typed = text_of(form, "keep_days")
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) <= _MOST_DIGITS):
        raise InvalidInput(
            N_("Enter the days as a whole number, such as 731, or leave the field empty for the default."),
            field="keep_days",
        )
    return int(typed)
