"""Entitlements from the texts of a form or a command."""

from collections.abc import Mapping

from billing.entitlements.schemas import EntitlementInput
from billing.forms import build_body
from foundation.errors import InvalidInput
from foundation.marks import N_


def read_entitlement(typed: Mapping[str, str]) -> EntitlementInput:
    """Raises InvalidInput: names the field."""
    use = typed.get("use", "on")
    given = {name: _number(typed.get(name, ""), name) for name in ("soft_limit", "hard_limit")}
    return build_body(
        EntitlementInput,
        {"feature": typed.get("feature", ""), "is_on": use != "off", "inherits": use == "inherit", **given},
    )


def _number(typed: str, field: str) -> int | None:
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 8):
        raise InvalidInput(N_("Enter a whole number, such as 5."), field=field)
    return int(typed)
