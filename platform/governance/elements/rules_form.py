"""Fields of a form for the validation rules of a contract."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from foundation.errors import InvalidInput
from foundation.i18n.messages import text_of
from foundation.marks import N_
from governance.elements.value_rules import ValueRules

_IN_FORM = "has_rules"
_LENGTH: Final = re.compile(r"[0-9]{1,9}")


def write_rules(rules: ValueRules) -> dict[str, str]:
    """Return the fields of the form with the rules."""
    return {
        "minimum": rules.minimum,
        "maximum": rules.maximum,
        "pattern": rules.pattern,
        "max_length": "" if rules.max_length is None else str(rules.max_length),
        "codes": ", ".join(rules.codes),
        "required": "on" if rules.required else "",
    }


def read_rules(form: Mapping[str, str]) -> ValueRules | None:
    """The rules of a posted form; None if the form has no fields for rules, so that they stay. Raises InvalidInput."""
    if _IN_FORM not in form:
        return None
    codes = [code for part in form.get("codes", "").split(",") if (code := part.strip())]
    most = form.get("max_length", "").strip()
    fields = {
        **{name: form.get(name, "").strip() for name in ("minimum", "maximum", "pattern")},
        "codes": list(dict.fromkeys(codes)),
        "max_length": int(most) if _LENGTH.fullmatch(most) else most or None,
        "required": bool(form.get("required")),
    }
    try:
        return msgspec.convert(fields, ValueRules)
    except msgspec.ValidationError as problem:
        raise InvalidInput(text_of(problem), field="max_length" if "max_length" in str(problem) else "codes") from None


def read_rule_options(options: Sequence[str]) -> ValueRules | None:
    """The rules of a command's options, such as `minimum=0.5` and `required`; None without options, so that they stay.

    Raises: InvalidInput.
    """
    if not options:
        return None
    fields = dict(option.partition("=")[::2] for option in options if option != "none")
    if unknown := fields.keys() - set(ValueRules.__struct_fields__):
        raise InvalidInput(N_("There is no rule “{rule}”."), params={"rule": min(unknown)}, field="rule")
    return read_rules({**fields, "required": "on" if "required" in fields else "", _IN_FORM: "on"})
