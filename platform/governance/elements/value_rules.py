"""Validation rules of a contract, which restrict values beyond the element's type. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final

import msgspec

from canonical.money import InexactAmount, parse_decimal
from canonical.values import (
    EnumerationValue,
    IdentifierValue,
    ListValue,
    MeasureValue,
    MoneyValue,
    QuantityValue,
    ReferenceValue,
    TextValue,
    Value,
)
from foundation.errors import InvalidInput
from foundation.i18n.messages import NOTHING, MessageText
from foundation.marks import N_
from governance.elements.value_pattern import PatternRefused, check_pattern, matches
from governance.messages import reasons

MOST_CODES: Final = 200
_NUMBERS: Final = frozenset({"money", "quantity", "measure"})
_TEXTS: Final = frozenset({"text", "identifier", "enumeration", "reference", "list"})
Bound = Annotated[str, msgspec.Meta(max_length=40)]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class ValueRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Validation rules. `minimum` and `maximum` of numbers, for money in major units of each value's currency.
    `pattern` (see `governance.elements.value_pattern`), `max_length` and allowed `codes` of texts, codes and each item
    of a list. `required`: an empty text or list is refused.
    """

    minimum: Bound = ""
    maximum: Bound = ""
    pattern: Annotated[str, msgspec.Meta(max_length=200)] = ""
    max_length: Annotated[int, msgspec.Meta(ge=1, le=65_536)] | None = None
    codes: Annotated[tuple[Code, ...], msgspec.Meta(max_length=MOST_CODES)] = ()
    required: bool = False

    def __bool__(self) -> bool:
        return self != NO_RULES


NO_RULES: Final = ValueRules()


def check_rules(rules: ValueRules, value_type: str) -> None:
    """Check that the rules can be kept by values of a type. Raises: InvalidInput."""
    bounds = [_number(rules.minimum, "minimum"), _number(rules.maximum, "maximum")]
    if (rules.minimum or rules.maximum) and value_type not in _NUMBERS:
        raise InvalidInput(N_("Only numbers have a minimum and a maximum."), field="minimum")
    if bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]:
        raise InvalidInput(N_("The minimum is larger than the maximum."), field="minimum")
    if (rules.pattern or rules.max_length or rules.codes or rules.required) and value_type not in _TEXTS:
        raise InvalidInput(
            N_("Only texts, codes and lists have a pattern, a length and allowed codes."), field="pattern"
        )
    if rules.pattern:
        try:
            check_pattern(rules.pattern)
        except PatternRefused:
            raise InvalidInput(
                N_(
                    "This is no regular expression, or it takes too much memory. Write one such as [A-Z]{2}-\\d{4};"
                    " look-around and back-references are not supported."
                ),
                field="pattern",
            ) from None


def find_rule_trouble(value: Value, rules: ValueRules, version: int) -> MessageText:
    """Return the reason why the value breaks a rule of this version of the contract; empty if it breaks none."""
    if not rules:
        return NOTHING
    if isinstance(value, MoneyValue | QuantityValue | MeasureValue):
        return _find_outside(value.number, rules, version)
    texts = _texts_of(value)
    if rules.required and not any(text.strip() for text in texts):
        return reasons.RULE_REQUIRED.write(version=version)
    for text in texts:
        if trouble := _find_in_text(text, rules, version):
            return trouble
    return NOTHING


def _find_outside(number: Decimal, rules: ValueRules, version: int) -> MessageText:
    if rules.minimum and number < Decimal(rules.minimum):
        return reasons.RULE_MINIMUM.write(limit=rules.minimum, version=version)
    if rules.maximum and number > Decimal(rules.maximum):
        return reasons.RULE_MAXIMUM.write(limit=rules.maximum, version=version)
    return NOTHING


def _find_in_text(text: str, rules: ValueRules, version: int) -> MessageText:
    if rules.codes and text not in rules.codes:
        return reasons.RULE_CODES.write(codes=", ".join(rules.codes)[:500], version=version)
    if rules.max_length is not None and len(text) > rules.max_length:
        return reasons.RULE_LENGTH.write(most=rules.max_length, number=len(text), version=version)
    if rules.pattern and not matches(rules.pattern, text):
        return reasons.RULE_PATTERN.write(pattern=rules.pattern, version=version)
    return NOTHING


def _texts_of(value: Value) -> Sequence[str]:
    match value:
        case TextValue(text=text):
            return [text]
        case EnumerationValue(code=code):
            return [code]
        case IdentifierValue(value=text):
            return [text]
        case ReferenceValue(record_key=key):
            return [key]
        case ListValue(items=items):
            return [text for item in items for text in _texts_of(item)]
    return []


def _number(text: str, field: str) -> Decimal | None:
    """Raises: InvalidInput."""
    if not text:
        return None
    try:
        return parse_decimal(text)
    except InexactAmount:
        raise InvalidInput(N_("Enter a number such as 0.5 or 100."), field=field) from None
