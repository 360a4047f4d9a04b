"""Meters of usage events, declared once by the room that records them, with unit, label and describer."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.errors import InvalidInput
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_


@dataclass(frozen=True, slots=True)
class UsageDescription:
    """The description of a usage event on an invoice: `subject` is the record, `what` its value in words, `where` the
    channel; `path` starts after the client's path.
    """

    subject: str
    what: str
    where: str
    path: str


DescribeUsage = Callable[[AsyncSession, UUID, Sequence[UUID]], Awaitable[Mapping[UUID, UsageDescription]]]
"""Descriptions by event id, for this client's events of the meter; unknown events are omitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A meter. `unit` is a counted quantity in its two forms, `label` the text on invoices unless the price has its
    own. `permission` is required of the reader of `describe`.

    `collect`: SQL of usage that the room's rows prove by themselves, entered in the ledger by the jobs of billing once
    the meter has a price: columns id, quantity, occurred_at and subject_id of the client :t's usage from :since to
    :until. Rows with ids below :floor are older. An id always identifies the same usage. Empty for usage that
    `record_usage` enters in the transaction of its effect.
    """

    name: str
    unit: tuple[str, str]
    label: str
    permission: str
    describe: DescribeUsage
    collect: str = ""


class Meters:
    """Every room's meters, by name."""

    def __init__(self, meters: Iterable[Meter]) -> None:
        self._meters = {meter.name: meter for meter in meters}

    def __iter__(self) -> Iterator[Meter]:
        return iter(self._meters.values())

    def get(self, name: str) -> Meter | None:
        """The meter; None for a meter of another release."""
        return self._meters.get(name)

    def label_of(self, name: str) -> str:
        """The meter's label in the reader's language; for a meter of another release, its name with spaces."""
        found = self._meters.get(name)
        return name.replace(".", " ").capitalize() if found is None else translate(found.label)

    def write_quantity(self, name: str, quantity: int | Decimal) -> str:
        """“12 deliveries”, in the reader's language; only the number for a meter of another release."""
        localizer, found = current_localizer(), self._meters.get(name)
        number = localizer.number(quantity)
        return number if found is None else localizer.plural(*found.unit, ceil(quantity)).format(number=number)

    def require(self, name: str | None) -> Meter:
        """The meter; without a name, the only one. Raises InvalidInput with the list of meters."""
        if name is None and len(self._meters) == 1:
            return next(iter(self._meters.values()))
        found = self._meters.get(name or "")
        if found is None:
            known = ", ".join(sorted(self._meters))
            problem = (
                N_("There is no meter “{name}”. Choose one of: {known}.")
                if name
                else N_("There are several meters. Choose one of: {known}.")
            )
            params = {"name": name, "known": known} if name else {"known": known}
            raise InvalidInput(problem, params=params, field="meter")
        return found
