"""Declarations of a room's retention: growing tables, retention periods, and rows that must stay longer.

A row is removed when the complete month of its creation is older than the policy allows. So a month is removed at once:
by dropping its partition where the table is partitioned and no row is needed any more, by deleting rows otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from foundation.marks import N_

CHAIN: Final = "audit_entry"
"""The table whose rows are chained: only a beginning of the chain is removed, and an anchor remains."""


@dataclass(frozen=True, slots=True)
class RetainedTable:
    """A table under retention. `key` gives a row's age: a UUIDv7, or a time when `by_time`. `closed` is an SQL
    condition for removable rows.

    `element` and `record` name the columns by which element contracts and legal holds of one record apply.
    """

    name: str
    key: str
    partitioned: bool = False
    by_time: bool = False
    closed: str = "true"
    element: str = ""
    record: str = ""


@dataclass(frozen=True, slots=True)
class DataClass:
    """A class of data with one retention period. `tables` are in the order of removal. Floors and pins are SQL in the
    tenant's scope, with :t and :before.

    A floor returns the key from which on all rows stay; a pin returns keys of single rows that stay.
    """

    name: str
    title: str
    holds: str
    tables: tuple[RetainedTable, ...]
    default_days: int
    least_days: int
    floors: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()

    @property
    def by_element(self) -> bool:
        return any(table.element for table in self.tables)

    @property
    def by_record(self) -> bool:
        return all(table.record for table in self.tables)


@dataclass(frozen=True, slots=True)
class Pin:
    """Rows of another room's tables that a room needs. The composition root adds the pin to the data class of that
    name.
    """

    data_class: str
    sql: str


def month_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def cutoff(now: datetime, days: int) -> datetime:
    """Start of the first month that is kept: all months before are entirely older than `days`."""
    return month_of(now - timedelta(days=days))


def find_class(classes: Sequence[DataClass], name: str) -> DataClass | None:
    return next((one for one in classes if one.name == name), None)


AUDIT: Final = DataClass(
    "audit", N_("Audit entries"), N_("All actions in the account, as a chain that can be verified."),
    (RetainedTable(CHAIN, "at", partitioned=True, by_time=True),), default_days=3653, least_days=365,
)  # fmt: skip
DEAD_LETTERS: Final = DataClass(
    "dead_letters", N_("Closed failed jobs"), N_("Failed jobs that were replayed or discarded."),
    (RetainedTable("dead_letter", "closed_at", by_time=True, closed="state <> 'open'"),),
    default_days=90, least_days=7,
)  # fmt: skip
# A waiting job, or a failed one that may be replayed, needs its source event.
WAITING_EVENTS: Final = Pin(
    "source_events",
    "SELECT ref FROM job WHERE tenant_id = :t AND ref < :before UNION"
    " SELECT ref FROM dead_letter WHERE tenant_id = :t AND state = 'open' AND ref < :before",
)
