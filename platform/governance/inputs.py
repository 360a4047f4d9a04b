"""Validation of input from pages and the API, before any database access."""

from collections.abc import Iterable
from typing import Final

from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.text import is_storable

MOST: Final = 200
USUAL: Final = 50
LONGEST_TEXT: Final = 2_000
_LARGEST: Final = 2**63 - 1


def check_limit(limit: int) -> int:
    """Return the page size. Raises InvalidInput."""
    if not 1 <= limit <= MOST:
        raise InvalidInput(N_("A page has 1 to {most} items."), params={"most": MOST}, field="limit")
    return limit


def check_number(number: int | None, field: str) -> int | None:
    """Return a number within the database's range. Raises InvalidInput."""
    if number is not None and not 0 <= number <= _LARGEST:
        raise InvalidInput(N_("This is not the number of an entry."), field=field)
    return number


def check_text(text: str, field: str) -> str:
    """Return the stripped text. Raises InvalidInput for text that cannot be stored: NUL, lone surrogates, or too long.

    Browsers send a line break as two characters; it counts as one.
    """
    return check_exact(text.replace("\r\n", "\n"), field).strip()


def check_choice(text: str, field: str, choices: Iterable[str]) -> str:
    """Return the text, one of `choices`. Raises InvalidInput."""
    known = tuple(choices)
    if text not in known:
        named = ", ".join(each for each in known if each)
        raise InvalidInput(
            N_("This is not one of the choices. Choose one of: {known}."), params={"known": named}, field=field
        )
    return text


def check_exact(text: str, field: str) -> str:
    """Return the text unchanged. For record keys and list cursors, where trailing blanks are significant.

    Raises InvalidInput as `check_text`.
    """
    if "\x00" in text:
        raise InvalidInput(N_("The text contains a NUL character. Remove it."), field=field)
    if not is_storable(text):
        raise InvalidInput(N_("The text contains half a character (a lone surrogate). Remove it."), field=field)
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(
            N_("This has {number} characters; at most {most} are allowed. Shorten it."),
            params={"number": len(text), "most": LONGEST_TEXT},
            field=field,
        )
    return text
