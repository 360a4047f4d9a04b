"""Filters (RFC 7644 §3.4.2.2): comparisons with `eq`, joined by `and`. They suffice for identity providers, which
search for a resource by a key. Other filters are refused with `invalidFilter`.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from foundation.decoding import decode_json
from tenants.scim.errors import ScimRefusal, invalid

_URN: Final = r"(?:urn:ietf:params:scim:schemas:core:2\.0:(?:User|Group):)?"
_ATTRIBUTE: Final = r"[A-Za-z][\w$-]*(?:\[[^\]\"]*(?:\"[^\"]*\"[^\]\"]*)?\])?(?:\.[A-Za-z][\w$-]*)?"
_TERM: Final = re.compile(rf'\s*{_URN}({_ATTRIBUTE})\s+eq\s+("(?:[^"\\]|\\.)*")\s*', re.ASCII | re.IGNORECASE)
_SELECTOR: Final = re.compile(r"\[.*\]")
_MOST: Final = 1000


def read_filter(text: str, known: Mapping[str, str]) -> dict[str, str]:
    """Values by our name of the attribute. `known` has those names by the attributes' own, in small letters.

    Raises:
        ScimRefusal: another filter than described above, or of an attribute that is not among `known`.
    """
    found: dict[str, str] = {}
    position = 0
    while True:
        match = _TERM.match(text[:_MOST], position)
        attribute = known.get(_SELECTOR.sub("", match[1]).lower()) if match else None
        if match is None or attribute is None or attribute in found:
            raise _refused(known)
        found[attribute] = _text(match[2])
        position = match.end()
        if position == len(text):
            return found
        if text[position : position + 4].lower() != "and ":
            raise _refused(known)
        position += 4


def _text(quoted: str) -> str:
    try:
        value = decode_json(quoted, str)
    except msgspec.DecodeError:
        raise invalid("A value of the filter is not a JSON string.", "invalidFilter") from None
    return str(value).replace("\x00", "\ufffd")


def _refused(known: Mapping[str, str]) -> ScimRefusal:
    return invalid(f'Filters are of the form: attribute eq "value". Attributes: {", ".join(known)}.', "invalidFilter")
