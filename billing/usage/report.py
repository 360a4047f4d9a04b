"""Usage that other systems report: checked event by event, stored once, and entered in the usage ledger."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.usage.counting import Counting
from billing.usage.meters import list_definitions
from billing.usage.models import MeterDefinition
from billing.usage.schemas import ReportedEvent, UsageEventInput, UsageReceipt
from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from foundation.database.locks import lock
from foundation.errors import Conflict, DomainError, Forbidden, InvalidInput
from foundation.ids import NewId
from foundation.marks import N_
from foundation.relations import USAGE_EVENTS
from foundation.text import has_hidden, is_storable
from foundation.usage.ledger import Usage, record_usage

LATEST: Final = timedelta(days=366)
"""Older usage is refused. Usage of a period that is invoiced already is billed on the next invoice."""
AHEAD: Final = timedelta(minutes=5)
"""Difference of clocks that is accepted; usage further in the future is refused."""
_FIRST_YEAR, _LAST_YEAR = 1970, 9000
_PLACES: Final = 9
_MOST_WRITTEN: Final = 60
"""Decimals that are read, zeros included."""
_LIMIT: Final = Decimal(10) ** 18
_INSERT: Final = BulkWrite.insert(
    "reported_usage",
    {
        "id": "uuid", "meter": "varchar", "source": "varchar", "event_id": "varchar", "quantity": "numeric",
        "occurred_at": "timestamptz", "received_at": "timestamptz", "dimensions": "jsonb", "reverses": "uuid",
        "digest": "bytea", "reported_by": "varchar",
    },
)  # fmt: skip


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    meter: str
    source: str
    event_id: str
    quantity: Decimal
    occurred_at: datetime
    received_at: datetime
    dimensions: Mapping[str, str]
    reverses: UUID | None
    digest: str
    reported_by: str
    entered_at: datetime
    """Time in the ledger."""


class _Known(msgspec.Struct, frozen=True):
    """An event that is stored already, or precedes in the same request. `entered` are the meters that it counts for."""

    id: UUID
    meter: str
    quantity: Decimal
    digest: str
    occurred_at: datetime
    is_reversal: bool
    is_reversed: bool
    entered: Sequence[str]


class _Reporting:
    """One report: what is known of its source, what will be stored, and the results so far."""

    def __init__(self, meters: Sequence[MeterDefinition], source: str, now: datetime, reported_by: str) -> None:
        self.source, self.now, self.reported_by = source, now, reported_by
        self.meters: dict[str, list[tuple[MeterDefinition, Counting]]] = {}
        for one in meters:
            self.meters.setdefault(one.reads, []).append((one, one.counting))
        self.known: dict[str, _Known] = {}
        self.rows: list[_Row] = []
        self.uses: list[Usage] = []

    def take(self, event: UsageEventInput, new_id: NewId) -> ReportedEvent:
        try:
            return self._take(event, new_id)
        except DomainError as refusal:
            return ReportedEvent(event.id, "refused", refusal.code, refusal.detail)

    def _take(self, event: UsageEventInput, new_id: NewId) -> ReportedEvent:
        _check_bounds(event)
        digest = _digest(event)
        if (known := self.known.get(event.id)) is not None:
            if known.digest == digest:
                return ReportedEvent(event.id, "duplicate")
            raise Conflict(
                N_("An event with this ID was reported before with other content. Take it back and report a new one.")
            )
        _check_texts(event, self.source)
        meters = self._meters_of(event)
        _check_time(event.occurred_at, self.now)
        quantity, original = self._quantity(event)
        entered = self._entered(event, meters) if original is None else original.entered
        row = _Row(
            id=new_id(), meter=event.meter, source=self.source, event_id=event.id, quantity=quantity,
            occurred_at=event.occurred_at.astimezone(UTC), received_at=self.now, dimensions=event.dimensions,
            reverses=None if original is None else original.id, digest=digest, reported_by=self.reported_by,
            entered_at=event.occurred_at.astimezone(UTC) if original is None else original.occurred_at,
        )  # fmt: skip
        self.rows.append(row)
        self.uses += [
            Usage(meter, row.id, quantity, row.entered_at, row.id, is_reversal=original is not None)
            for meter in entered
        ]
        self.known[event.id] = _Known(
            row.id, row.meter, quantity, digest, row.entered_at, is_reversal=original is not None, is_reversed=False,
            entered=entered,
        )  # fmt: skip
        if original is not None:
            self.known[event.reverses] = msgspec.structs.replace(original, is_reversed=True)
        return ReportedEvent(event.id, "accepted")

    def _meters_of(self, event: UsageEventInput) -> Sequence[tuple[MeterDefinition, Counting]]:
        """The meters that read such events and count at this time."""
        found = self.meters.get(event.meter, [])
        if not found:
            current = {name for name, all_ in self.meters.items() if any(one.retired_at is None for one, _ in all_)}
            raise InvalidInput(
                N_("Usage of “{name}” cannot be reported. Declare the meter, or choose one of: {known}."),
                params={"name": event.meter, "known": ", ".join(sorted(current)) or "—"},
                field="meter",
            )
        # Late reports of what was used before the retirement are still right.
        counting = [one for one in found if one[0].retired_at is None or event.occurred_at < one[0].retired_at]
        if not counting:
            raise InvalidInput(
                N_("The meter {code} was retired before this usage."), params={"code": event.meter}, field="meter"
            )
        return counting

    def _entered(self, event: UsageEventInput, meters: Sequence[tuple[MeterDefinition, Counting]]) -> Sequence[str]:
        """Codes of the meters that take the event: usage that none counts would never be billed."""
        entered = [one.code for one, counting in meters if counting.takes(event.dimensions)]
        if not entered:
            raise InvalidInput(
                N_("No meter of “{name}” counts usage with these dimensions."),
                params={"name": event.meter},
                field="dimensions",
            )
        return entered

    def _quantity(self, event: UsageEventInput) -> tuple[Decimal, _Known | None]:
        """The quantity for the ledger, and the event that is taken back."""
        if not event.reverses:
            # The database counts the zeros at the end as decimals.
            return Decimal(1) if event.quantity is None else Decimal(write_exactly(event.quantity)), None
        original = self.known.get(event.reverses)
        if original is None or original.is_reversal or original.meter != event.meter:
            raise InvalidInput(
                N_("This source has reported no event “{id}” of this meter that could be taken back."),
                params={"id": event.reverses},
                field="reverses",
            )
        if original.is_reversed:
            raise Conflict(N_("The event “{id}” was taken back before."), params={"id": event.reverses})
        if event.quantity is not None:
            raise InvalidInput(
                N_("An event is taken back in full. Leave the quantity out, and report the right one as a new event."),
                field="quantity",
            )
        return -original.quantity, original


async def report_usage(
    session: AsyncSession, source: str, events: Sequence[UsageEventInput], *, now: datetime, new_id: NewId
) -> UsageReceipt:
    """Store and enter in the ledger the events that are new and right. In the scope of one client.

    Each event has its own result: a refused one does not stop the others. Reports of one source are processed one
    after the other.

    Raises:
        Forbidden: the scope is not one client's.
        InvalidInput: `source` contains characters that cannot be stored.
    """
    scope = scope_of(session)
    if scope.fleet or scope.tenant_id == scope.msp_id:
        raise Forbidden(N_("Usage is reported for a client. Name the client."))
    if not is_storable(source):
        raise InvalidInput(N_("This text contains characters that cannot be shown. Remove them."), field="source")
    await lock(session, f"usage|{scope.tenant_id}|{source}")
    reporting = _Reporting(await list_definitions(session), source, now, scope.actor.name)
    ids = {event.id for event in events} | {event.reverses for event in events if event.reverses}
    reporting.known = await _load_known(session, source, ids)
    results = [reporting.take(event, new_id) for event in events]
    await _INSERT.execute(session, reporting.rows)
    record_usage(session, reporting.uses)
    return UsageReceipt.of(results)


async def _load_known(session: AsyncSession, source: str, ids: set[str]) -> dict[str, _Known]:
    """Stored events by their id. Ids that PostgreSQL cannot store are not among them."""
    scope = scope_of(session)
    rows = await session.execute(
        text(f"""
            SELECT u.event_id, u.id, u.meter, u.quantity, encode(u.digest, 'hex') AS digest, u.occurred_at,
                   ARRAY(SELECT e.meter FROM {USAGE_EVENTS} e JOIN meter_definition d ON d.tenant_id = :m
                                AND coalesce(nullif(d.event, ''), d.code) = u.meter AND d.code = e.meter
                          WHERE e.tenant_id = :t AND e.id = u.id ORDER BY e.meter) AS entered,
                   u.reverses IS NOT NULL AS is_reversal,
                   EXISTS (SELECT 1 FROM reported_usage r WHERE r.tenant_id = :t AND r.reverses = u.id) AS is_reversed
              FROM reported_usage u WHERE u.tenant_id = :t AND u.source = :source AND u.event_id = ANY (:ids)
        """),
        {"t": scope.tenant_id, "m": scope.msp_id, "source": source, "ids": [one for one in ids if is_storable(one)]},
    )
    return {row.event_id: _known(row) for row in rows}


def _known(row: Row[Any]) -> _Known:
    return _Known(
        row.id, row.meter, row.quantity, f"\\x{row.digest}", row.occurred_at, row.is_reversal, row.is_reversed,
        row.entered,
    )  # fmt: skip


def _digest(event: UsageEventInput) -> str:
    """SHA-256 over what the event says, as PostgreSQL's text of a bytea."""
    quantity = None if event.quantity is None else write_exactly(event.quantity)
    content = [
        event.meter,
        event.occurred_at.astimezone(UTC),
        quantity,
        sorted(event.dimensions.items()),
        event.reverses,
    ]
    return "\\x" + hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def write_exactly(quantity: Decimal) -> str:
    """All its digits, without zeros at the end of the decimals: `1.50` and `1.5` are one quantity."""
    digits = f"{quantity:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _check_texts(event: UsageEventInput, source: str) -> None:
    for name, value in (
        ("id", event.id),
        ("source", source),
        *(("dimensions", one) for one in event.dimensions.values()),
    ):
        if not is_storable(value) or has_hidden(value):
            raise InvalidInput(N_("This text contains characters that cannot be shown. Remove them."), field=name)


def _check_time(occurred_at: datetime, now: datetime) -> None:
    if occurred_at > now + AHEAD:
        raise InvalidInput(N_("This usage lies in the future. Report it after it has occurred."), field="occurred_at")
    if occurred_at < now - LATEST:
        raise InvalidInput(
            N_("This usage is more than {days} days old, and is not billed any more."),
            params={"days": LATEST.days},
            field="occurred_at",
        )


def _check_bounds(event: UsageEventInput) -> None:
    """Before anything is computed with its values: a number of a few characters may have a billion digits."""
    if not _FIRST_YEAR <= event.occurred_at.year <= _LAST_YEAR:
        raise InvalidInput(
            N_("Enter a time of use of the last {days} days."), params={"days": LATEST.days}, field="occurred_at"
        )
    if event.quantity is None:
        return
    if not event.quantity.is_finite() or not 0 <= event.quantity < _LIMIT:
        raise InvalidInput(N_("A quantity is a number of 0 or more with at most 18 digits."), field="quantity")
    exponent = event.quantity.as_tuple().exponent
    if (isinstance(exponent, int) and exponent < -_MOST_WRITTEN) or event.quantity != round(event.quantity, _PLACES):
        raise InvalidInput(
            N_("A quantity has at most {number} decimals."), params={"number": _PLACES}, field="quantity"
        )
