"""Meters: what usage events count. Declared once by the room that records them, with unit, label and describer."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class UsageDescription:
    """`subject` is the record, `what` its value in words, `where` the channel; `path` starts after the client's
    path.
    """

    subject: str
    what: str
    where: str
    path: str


DescribeUsage = Callable[[AsyncSession, UUID, Sequence[UUID]], Awaitable[Mapping[UUID, UsageDescription]]]
"""Descriptions by event id, for this client's events of the meter; unknown events are omitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A meter. `unit` is the singular of what is counted, `label` what an invoice calls it unless its price says
    otherwise. `permission` is required of the reader of `describe`.
    """

    name: str
    unit: str
    label: str
    permission: str
    describe: DescribeUsage


class Meters:
    """Every room's meters, by name."""

    def __init__(self, meters: Iterable[Meter]) -> None:
        self._meters = {meter.name: meter for meter in meters}

    def __iter__(self) -> Iterator[Meter]:
        return iter(self._meters.values())

    def get(self, name: str) -> Meter | None:
        """The meter; None for one that an earlier release recorded."""
        return self._meters.get(name)

    def label_of(self, name: str) -> str:
        """The meter's label; the words of its name for one of another release."""
        found = self._meters.get(name)
        return name.replace(".", " ").capitalize() if found is None else found.label

    def require(self, name: str | None) -> Meter:
        """The meter; without a name, the only one. Raises InvalidInput with the list of meters."""
        if name is None and len(self._meters) == 1:
            return next(iter(self._meters.values()))
        found = self._meters.get(name or "")
        if found is None:
            known = ", ".join(sorted(self._meters))
            reason = f"There is no meter “{name}”." if name else "There are several meters."
            raise InvalidInput(f"{reason} Choose one of: {known}.", field="meter")
        return found
