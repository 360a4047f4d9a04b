"""Checks of message fields, for `__post_init__`."""

import re
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec.structs import force_setattr

from canonical import problems
from canonical.problems import CanonicalError, Problem, ProblemType, quote

_CODE: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_LOST: Final = re.compile("[\x00\ud800-\udfff]")
_LONGEST: Final = 200


class InvalidMessage(CanonicalError):
    """The content is not a message of its type."""


def require(holds: bool, rule: ProblemType, **params: object) -> None:  # noqa: FBT001 - reads as an assertion
    """Raise InvalidMessage with `rule` unless `holds`."""
    if not holds:
        raise InvalidMessage(rule, **params)


def check_text(text: str, field: Problem, *, least: int = 1, most: int = _LONGEST) -> None:
    """Raise InvalidMessage unless `text` has `least` to `most` characters, all storable."""
    if not least <= len(text) <= most or _LOST.search(text):
        raise InvalidMessage(problems.TEXT_LENGTH, field=field, text=quote(text), least=least, most=most)


def check_code(code: str) -> None:
    """Raise InvalidMessage unless `code` consists of words in lower case, separated by points."""
    if len(code) > _LONGEST or not _CODE.fullmatch(code):
        raise InvalidMessage(problems.CODE_FORM, text=quote(code))


def normalise_instants(struct: msgspec.Struct) -> None:
    """Convert every instant of a frozen struct to its canonical form, in UTC. Raises InvalidMessage for an instant
    without an offset, or outside the years 1 to 9999 of UTC.
    """
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if not isinstance(value, datetime) or value.tzinfo is UTC:
            continue
        if value.tzinfo is None:
            raise InvalidMessage(problems.INSTANT_WITHOUT_OFFSET, name=name)
        try:
            force_setattr(struct, name, value.astimezone(UTC))
        except OverflowError:
            raise InvalidMessage(problems.INSTANT_BEYOND, name=name) from None
