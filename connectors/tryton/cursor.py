"""Position of the polls of Tryton's products.

Tryton's dates come from Tryton's clock, so a date alone never becomes the next poll's position: only dates up to the
start of the window count, by our clock and by Tryton's own (its Date header). Products dated later are read again with
every poll until their date has passed.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, NamedTuple

import msgspec

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(seconds=1)
"""Date headers have no fraction; without this tolerance, writes of the current second would be ahead."""
_PLAUSIBLE: Final = timedelta(days=366)
"""Maximum offset; a Date header further away is not a clock."""

_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Poll position. `since`: everything up to it was read. Within a window: continue after product `after`; `upcoming`
    is the newest date so far that is not after `until`, the start of the window, and becomes the next `since`.
    `currency` is the company's during these readings; empty in cursors from before the field existed. `refused`:
    products that Tryton could not read; no date marks their recovery, so each window requests them. `basis` is what
    divided values were read by (`divisions.basis_of`), empty without any. `sales`: the position among sales, of whose
    fields only the first four are used.
    """

    since: _Instant
    after: int = 0
    upcoming: _Instant = EPOCH
    until: _Instant = EPOCH
    currency: str = ""
    refused: list[int] = []
    basis: str = ""
    sales: "Cursor | None" = None


class TrytonPage(NamedTuple):
    """As `connectors.ports.PollPage`, with a position of Tryton's."""

    payloads: list[tuple[str, bytes]]
    place: Cursor
    more: bool


def on_same_basis(stored: Cursor, currency: str, basis: str) -> Cursor:
    """Restart from the beginning when the currency or the basis changed: values then have another meaning, and no date
    marks the change.
    """
    same = stored.currency in ("", currency) and stored.basis == basis
    return stored if same else Cursor(EPOCH)


def checked(stored: Cursor, now: datetime, overlap: timedelta) -> Cursor:
    """Restart from the beginning when the position is in the future: values missed before it are unknown."""
    if max(stored.since, EPOCH) - overlap > now:
        return Cursor(EPOCH)
    until = min(stored.until, now) if stored.until != EPOCH else now
    upcoming = stored.upcoming if stored.upcoming <= until else stored.since
    return Cursor(min(max(stored.since, EPOCH), now), stored.after, upcoming, until, refused=stored.refused)


def end_of_window(now: datetime, clock: datetime | None) -> datetime:
    """Newest date that can become a position. `clock`: Tryton's own time, None when absent."""
    if clock is not None and abs(clock - now) <= _PLAUSIBLE:
        return min(clock + _TICK, now)
    return now
