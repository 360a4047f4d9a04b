"""Validation of reasons entered by members and stored in an audit trail."""

from typing import Final

from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.text import has_visible_text, is_storable

LONGEST_REASON: Final = 500


def clean_reason(reason: str, *, longest: int = LONGEST_REASON, field: str = "reason") -> str:
    """The reason without surrounding blanks. Browsers send a line break as two characters; it counts as one.

    Raises:
        InvalidInput: empty, too long, or not storable.
    """
    cleaned = reason.replace("\r\n", "\n").strip()
    if not is_storable(cleaned):
        raise InvalidInput(
            N_("The reason contains a character that cannot be stored, such as NUL. Remove it."), field=field
        )
    if not has_visible_text(cleaned):
        raise InvalidInput(N_("Enter a reason. It is recorded in the audit trail."), field=field)
    if len(cleaned) > longest:
        raise InvalidInput(
            N_("The reason has {number} characters; at most {most} are allowed. Shorten it."),
            params={"number": len(cleaned), "most": longest},
            field=field,
        )
    return cleaned
