"""The filter of a list by time."""

import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from foundation.errors import MalformedInput
from foundation.marks import N_

_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z?)?")

_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The earliest time of an id."""


class TimeFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A filter with a time in UTC, such as 2026-11-29T10:00, with or without seconds and Z; a day is its beginning."""

    name: str
    label: str
    about: str = "A time in UTC, such as 2026-11-29T10:00."
    hidden: bool = False
    default: str = ""

    def check(self, value: str) -> str:
        """Raises: MalformedInput."""
        if value and parse_time(value) is None:
            raise MalformedInput(
                N_("“{name}” is not a time such as 2026-11-29T10:00."), params={"name": self.name}, field=self.name
            )
        return value

    @property
    def schema(self) -> dict[str, Any]:
        return {"pattern": f"^({_TIME.pattern})?$"}


def parse_time(text: str) -> datetime | None:
    """The time of a `TimeFilter`, not before `_FIRST`; None for any other text."""
    try:
        return max(_FIRST, datetime.fromisoformat(text).replace(tzinfo=UTC)) if _TIME.fullmatch(text) else None
    except ValueError:
        return None


def write_time(at: datetime) -> str:
    """A time as the value of a `TimeFilter`, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
