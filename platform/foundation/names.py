"""Validation of user-defined names of accounts, members, systems and price books."""

from typing import Final

from foundation.errors import InvalidInput
from foundation.marks import N_, Phrase
from foundation.text import TextInvalid, normalize_name

LONGEST_NAME: Final = 120


def clean_name(name: str, *, field: str = "name") -> str:
    """The canonical form in which names are stored and compared (`normalize_name`).

    Raises:
        InvalidInput: empty, too long, or with characters that change how the text around the name is shown.
    """
    try:
        cleaned = normalize_name(name)
    except TextInvalid as problem:
        raise InvalidInput(
            N_("This name cannot be used: {problem}."), params={"problem": Phrase(problem)}, field=field
        ) from problem
    if not 1 <= len(cleaned) <= LONGEST_NAME:
        raise InvalidInput(N_("A name has 1 to {most} characters."), params={"most": LONGEST_NAME}, field=field)
    return cleaned
