"""Values as people type them: $19.99, 1.234,50 €, 12 KGM, 2026-12-01. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from babel import Locale
from babel.numbers import get_currency_symbol

from canonical.elements import ElementType
from canonical.money import minor_exponent
from canonical.problems import CanonicalError
from canonical.values import (
    BooleanValue,
    DateValue,
    EnumerationValue,
    MeasureValue,
    QuantityValue,
    TextValue,
    Value,
    money,
)
from foundation.errors import InvalidInput
from foundation.i18n.localizer import Localizer
from foundation.i18n.messages import text_of
from foundation.marks import N_
from governance.inputs import check_text

TYPED: Final = frozenset({"money", "quantity", "measure", "text", "enumeration", "boolean", "date"})
"""Types of values that can be typed; others are set over the API."""
_NUMBER: Final = re.compile(r"-?[0-9][0-9.,'’ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]*")
_BLANKS: Final = re.compile(r"['’ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]")
_GROUPED: Final = re.compile(r"-?[1-9][0-9]{0,2}([.,])[0-9]{3}(?:\1[0-9]{3})*")
_SPACED: Final = re.compile(rf"-?[0-9]{{1,3}}(?:{_BLANKS.pattern}[0-9]{{3}})+(?:[.,][0-9]+)?")
_LONGEST: Final = 40
_COMMA_LANGUAGES: Final = frozenset({"de", "es", "fr"})
_YES: Final = {"yes": True, "no": False}


def read_typed(element: ElementType, typed: str, localizer: Localizer, *, currency: str = "") -> Value:
    """Parse a typed value of an element. `currency`: for an amount without a currency.

    Raises:
        InvalidInput: the text is no value of the element, or the element's type cannot be typed.
    """
    typed = check_text(typed, "value")
    if not typed:
        raise InvalidInput(N_("Enter a value."), field="value")
    read = _READERS.get(element.value_type)
    if read is None:
        raise InvalidInput(N_("Values of this type are set over the API."), field="value")
    try:
        return read(typed, localizer, currency)
    except (CanonicalError, ValueError) as problem:
        reason = (
            text_of(problem) if isinstance(problem, CanonicalError) else N_("This is not a valid value of this type.")
        )
        raise InvalidInput(reason, field="value") from problem


def read_number(typed: str, localizer: Localizer) -> Decimal:
    """Parse a number with the separators of any language. One separator followed by three digits is the reader's own:
    1,234 is 1234 in English, and 1.234 in German.

    Raises InvalidInput.
    """
    text = typed.strip()
    is_spaced = _BLANKS.search(text) is not None
    if len(text) > _LONGEST or not _NUMBER.fullmatch(text) or (is_spaced and not _SPACED.fullmatch(text)):
        raise InvalidInput(N_("Enter a number, such as 1234.50."), field="value")
    text = _BLANKS.sub("", text)
    point, comma = text.rfind("."), text.rfind(",")
    if point >= 0 and comma >= 0:
        decimal = "." if point > comma else ","
    else:
        used = "." if point >= 0 else ","
        own = "," if localizer.language in _COMMA_LANGUAGES else "."
        decimal = "" if _GROUPED.fullmatch(text) and (used != own or text.count(used) > 1) else used
    whole, _, part = text.rpartition(decimal) if decimal and decimal in text else (text, "", "")
    grouped = "." in whole or "," in whole
    twice = bool(decimal) and decimal in whole
    if twice or (grouped and not _GROUPED.fullmatch(whole)) or (not part.isdigit() and decimal in text and decimal):
        raise InvalidInput(N_("Enter a number, such as 1234.50."), field="value")
    return Decimal(re.sub(r"[.,]", "", whole) + (f".{part}" if part else ""))


def _money(typed: str, localizer: Localizer, currency: str) -> Value:
    found = re.search(r"[0-9]", typed)
    start = found.start() if found else 0
    end = max((place for place, one in enumerate(typed) if one.isdigit()), default=len(typed) - 1) + 1
    minus = "-" if "-" in typed[:start] or "\N{MINUS SIGN}" in typed[:start] else ""
    if re.search(r"[-\N{MINUS SIGN}]", typed[end:]):  # 5.00- is a negative amount to some
        raise InvalidInput(N_("Enter a number, such as 1234.50."), field="value")
    around = re.sub(r"[-\N{MINUS SIGN}\s]", "", typed[:start] + typed[end:])
    chosen = currency
    if around and around not in _signs_of(currency, localizer):
        if currency or not re.fullmatch(r"[A-Za-z]{3}", around):
            raise InvalidInput(
                N_("This price is in {currency}. Enter it without another currency."),
                params={"currency": currency or around[:8]}, field="value",
            )  # fmt: skip
        chosen = around.upper()
    if not chosen:
        raise InvalidInput(N_("Enter the currency too, such as 19.99 EUR."), field="value")
    minor_exponent(chosen)
    return money(read_number(minus + typed[start:end], localizer), chosen)


def _signs_of(currency: str, localizer: Localizer) -> frozenset[str]:
    """Texts that are accepted beside an amount of the currency, such as USD, US$ and $."""
    if not currency:
        return frozenset()
    signs = {currency, currency.lower()}
    for locale in ("en", "en_GB", localizer.language):
        sign = get_currency_symbol(currency, Locale.parse(locale))
        signs |= {sign} | ({sign[-1:]} if not sign[-1:].isalpha() else set())  # no K of SEK, which is a thousand
    return frozenset(signs)


def _measure(typed: str, localizer: Localizer, _: str) -> Value:
    number, _, unit = typed.rpartition(" ")
    if not number:
        raise InvalidInput(N_("Enter a number and its unit, such as 1.5 KGM."), field="value")
    return MeasureValue(str(read_number(number, localizer)), unit.upper())


def _boolean(typed: str, _: Localizer, __: str) -> Value:
    if typed not in _YES:
        raise InvalidInput(N_("Choose yes or no."), field="value")
    return BooleanValue(_YES[typed])


_READERS: Final[Mapping[str, Callable[[str, Localizer, str], Value]]] = {
    "money": _money,
    "quantity": lambda typed, localizer, _: QuantityValue(str(read_number(typed, localizer))),
    "measure": _measure,
    "text": lambda typed, _, __: TextValue(typed),
    "enumeration": lambda typed, _, __: EnumerationValue(typed),
    "boolean": _boolean,
    "date": lambda typed, _, __: DateValue(date.fromisoformat(typed)),
}
