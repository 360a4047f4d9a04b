"""Request bodies of the API, built from the fields of a page's form."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from foundation.errors import InvalidInput
from foundation.marks import N_

Body = TypeVar("Body")
_NONE: Final[Mapping[str, str]] = {}


def build_body(kind: type[Body], given: Mapping[str, Any], problems: Mapping[str, str] = _NONE) -> Body:
    """Build a body of the API. `problems`: sentences for fields whose limits a general one does not explain.

    Raises:
        InvalidInput: names the field whose value is not within the limits of the API.
    """
    try:
        return msgspec.convert(msgspec.to_builtins(given), kind)
    except msgspec.ValidationError as wrong:
        place = str(wrong).rpartition("`$.")[2].rstrip("`")
        field = place.partition("[")[0].partition(".")[0]
        problem = problems.get(field, N_("This is too long, or not within the limits."))
        raise InvalidInput(problem, field=field) from None
