"""Formats of invoice numbers: a text with `{number}`, or `{number:5}` with at least five digits, and `{year}`,
`{month}` and `{account}`.

A series is the format with everything but the number filled in, so numbers begin again with each year if it contains
the year.
"""

import re
from datetime import date
from typing import Final

from foundation.errors import InvalidInput
from foundation.marks import N_

_PART: Final = re.compile(r"\{(number|year|month|account)(?::([1-9]))?\}")
_TEXT: Final = re.compile(r"[A-Za-z0-9 ./_-]*")
_LONGEST: Final = 40
_NUMBER: Final = "#"
"""Stands for the number in a series; no format contains it."""


def check_format(text: str, *, field: str, per_account: bool = False) -> str:
    """`per_account`: the format must name the account, because the same seller has a series for each.

    Raises:
        InvalidInput: not a format, or without a number.
    """
    numbers = [found for found in _PART.finditer(text) if found[1] == "number"]
    if len(text) > _LONGEST or len(numbers) != 1 or not _TEXT.fullmatch(_PART.sub("", text)):
        raise InvalidInput(
            N_("A number format is letters, digits and {parts}, with the number once, such as {example}."),
            params={"parts": "{year}, {month}, {number:5}", "example": "INV-{year}-{number:5}"},
            field=field,
        )
    if per_account and "{account}" not in text:
        raise InvalidInput(
            N_("This format must contain {part}, so that no two accounts get the same number."),
            params={"part": "{account}"},
            field=field,
        )
    return text


def series_of(text: str, day: date, account: str) -> str:
    """The series of a document issued on `day`, with # for the number."""
    known = {"year": f"{day.year:04}", "month": f"{day.month:02}", "account": account, "number": _NUMBER}
    return _PART.sub(lambda found: known[found[1]], text)


def write_number(text: str, series: str, number: int) -> str:
    width = next(int(found[2] or 1) for found in _PART.finditer(text) if found[1] == "number")
    return series.replace(_NUMBER, f"{number:0{width}}")
