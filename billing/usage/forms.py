"""A meter from the texts of a form or a command."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from billing.usage.counting import read_filters
from billing.usage.schemas import NewMeter
from foundation.errors import InvalidInput
from foundation.marks import N_

_TEXTS: Final = ("code", "label", "unit", "event", "aggregation", "dimension", "percentile")
METER_FIELDS: Final = (*_TEXTS, "filters")


def read_meter(typed: Mapping[str, str]) -> NewMeter:
    """The meter from texts; those that are missing or empty are not given.

    Raises:
        InvalidInput: names the field.
    """
    given: dict[str, Any] = {name: typed[name] for name in _TEXTS if typed.get(name)}
    given["filters"] = read_filters(typed.get("filters", ""))
    try:
        return msgspec.convert({"code": "", "label": "", "unit": "", **given}, NewMeter, strict=False)
    except msgspec.ValidationError as problem:
        field = next((name for name in METER_FIELDS if f"$.{name}" in str(problem)), "code")
        if field == "percentile":
            wrong = N_("Enter a percentile above 0 and up to 100, such as 95.")
            raise InvalidInput(wrong, field=field) from problem
        if field in {"event", "dimension", "filters"}:
            wrong = N_("Names have lower-case letters, digits and underscores, such as region.")
            raise InvalidInput(wrong, field=field) from problem
        wrong = N_("A code has lower-case letters, digits and underscores, such as gb_hours.")
        raise InvalidInput(wrong, field=field) from problem
