"""Reasons that people give: kept in an audit trail, where somebody reads them."""

from typing import Final

from foundation.errors import InvalidInput
from foundation.text import is_storable, says_something

LONGEST_REASON: Final = 500


def clean_reason(reason: str, *, longest: int = LONGEST_REASON, field: str = "reason") -> str:
    """Without blanks around it. Browsers send a line break as two characters and count it as one, as people do.

    Raises:
        InvalidInput: it says nothing, is too long, or cannot be kept.
    """
    cleaned = reason.replace("\r\n", "\n").strip()
    if not is_storable(cleaned):
        raise InvalidInput("The reason holds a character that cannot be kept, such as NUL. Remove it.", field=field)
    if not says_something(cleaned):
        raise InvalidInput("Enter a reason. It is recorded in the audit trail.", field=field)
    if len(cleaned) > longest:
        raise InvalidInput(
            f"The reason has {len(cleaned):,} characters; at most {longest:,} are possible. Shorten it.", field=field
        )
    return cleaned
