"""Selectors of contracts: the records, or the part of each record's values, that a contract of an element is for.

A selector is `record_key=PREFIX*`, or one part of a dimension in its canonical text, such as `location=Berlin`. The
empty one is of the default contract, which is for all that no other contract of the element selects. Two selectors of
one element never select the same value: overlaps are refused when a contract is published, because two owners of one
value is the fault that contracts prevent.
"""

from collections.abc import Iterable
from typing import Final

from canonical.dimensions import LABELS, InvalidDimension, dimension_of, parse_dimension
from canonical.keys import ElementKey
from foundation.errors import InvalidInput
from foundation.i18n.messages import text_of
from foundation.marks import N_, Phrase
from foundation.text import is_storable

DEFAULT: Final = ""
RECORD_KEY: Final = "record_key"
LONGEST: Final = 500
PREFIXED: Final = f"{RECORD_KEY}="
_FORMS: Final = N_(
    "Write record_key=WH-* for records whose key begins with WH-, or a part of a dimension: location=Berlin."
)


def selects(selector: str, key: ElementKey) -> bool:
    """Whether a selector, not the empty one, selects `key`."""
    if selector.startswith(PREFIXED):
        return key.record_key.startswith(selector[len(PREFIXED) : -1])
    return selector in key.dimension.split(",")


def parse_selector(text: str, *, dimensions: Iterable[str] = LABELS) -> str:
    """The canonical text of a selector that a person wrote. `dimensions`: those that may divide the element's values.

    Raises InvalidInput.
    """
    text = text.strip()
    if not text:
        return DEFAULT
    name, equals, value = text.partition("=")
    name, value = name.strip(), value.strip()
    if not equals or not value or not is_storable(text):
        raise InvalidInput(
            N_("This is not a valid selector. {forms}"), params={"forms": Phrase(_FORMS)}, field="selector"
        )
    by_key = name == RECORD_KEY
    selector = f"{PREFIXED}{_prefix(value)}*" if by_key else _dimension_part(name, value, tuple(dimensions))
    if len(selector) > LONGEST:
        raise InvalidInput(N_("A selector has at most {most} characters."), params={"most": LONGEST}, field="selector")
    return selector


def _prefix(value: str) -> str:
    if not value.endswith("*"):
        raise InvalidInput(
            N_("End the prefix of the keys with *, as in record_key={value}*."),
            params={"value": value[:40]},
            field="selector",
        )
    if value == "*":
        raise InvalidInput(
            N_("This selects every record. Publish the contract without a selector instead."), field="selector"
        )
    return value[:-1]


def _dimension_part(name: str, value: str, dimensions: tuple[str, ...]) -> str:
    if name not in dimensions:
        params = {"name": repr(name[:40]), "known": ", ".join(dimensions), "forms": Phrase(_FORMS)}
        if not dimensions:
            raise InvalidInput(
                N_("Values of this element are not divided by {name}. {forms}"), params=params, field="selector"
            )
        raise InvalidInput(
            N_("Values of this element are not divided by {name}. They are divided by: {known}. {forms}"),
            params=params,
            field="selector",
        )
    part = f"{name}={value}"
    try:
        if parse_dimension(part) == ((name, value),):
            return part
    except InvalidDimension:
        pass  # not canonical, as people write it: Lager Nord instead of Lager%20Nord
    else:
        return part
    try:
        return dimension_of({name: value})
    except InvalidDimension as problem:
        raise InvalidInput(text_of(problem), field="selector") from problem


def check_overlap(selector: str, others: Iterable[str]) -> None:
    """Raises InvalidInput when a value could be selected by `selector` and by one of the element's `others`."""
    for other in others:
        if DEFAULT not in (selector, other) and selector != other and _overlap(selector, other):
            raise InvalidInput(
                N_(
                    "Another contract of this element selects {other}, and some values would match both. Remove that "
                    "contract, or choose a selector that does not overlap. The contracts of an element must all "
                    "select by record key, or all by the same dimension."
                ),
                params={"other": other},
                field="selector",
            )


def _overlap(one: str, other: str) -> bool:
    (name, _, value), (other_name, _, other_value) = one.partition("="), other.partition("=")
    if name != other_name:
        return True
    if name != RECORD_KEY:
        return value == other_value
    prefix, other_prefix = value[:-1], other_value[:-1]
    return prefix.startswith(other_prefix) or other_prefix.startswith(prefix)
