"""Usage that other systems report: checked event by event, stored once, and entered in the usage ledger."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
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
from foundation.usage.ledger import Usage, enter_new, record_new_usage

LATEST: Final = timedelta(days=366)
"""Older usage is refused. Usage of a period that is invoiced already is billed on the next invoice."""
AHEAD: Final = timedelta(minutes=5)
"""Accepted clock skew; usage further in the future is refused."""
_FIRST_YEAR, _LAST_YEAR = 1970, 9000
_PLACES: Final = 9
_MOST_WRITTEN: Final = 60
"""Decimals that are read, zeros included."""
_LIMIT: Final = Decimal(10) ** 18
_COLUMNS: Final = {
    "id": "uuid", "meter": "varchar", "event_id": "varchar", "quantity": "numeric", "occurred_at": "timestamptz",
    "dimensions": "jsonb", "reverses": "uuid", "digest": "bytea",
}  # fmt: skip
_STORE: Final = BulkWrite(
    {**_COLUMNS, "counted": "varchar", "entered_at": "timestamptz"},
    f"""
    WITH given AS MATERIALIZED (SELECT * FROM {{rows}}), stored AS (
        INSERT INTO reported_usage (tenant_id, msp_id, source, received_at, reported_by, {", ".join(_COLUMNS)})
        SELECT :tenant_id, :msp_id, CAST(:source AS varchar), CAST(:received_at AS timestamptz),
               CAST(:reported_by AS varchar), {", ".join(f"g.{name}" for name in _COLUMNS)} FROM given g
    ), used AS NOT MATERIALIZED (
        SELECT g.counted AS meter, g.id, g.quantity, coalesce(g.entered_at, g.occurred_at) AS occurred_at,
               g.id AS subject_id, g.reverses IS NOT NULL AS is_reversal
          FROM given g WHERE g.counted IS NOT NULL
    ), {enter_new("used")}
    """,
)
"""Stores events, and enters each under its first meter. One statement, because sending the values twice would double
the cost.
"""


class _Row(msgspec.Struct, frozen=True, gc=False):
    id: UUID
    meter: str
    event_id: str
    quantity: Decimal
    occurred_at: datetime
    dimensions: Mapping[str, str]
    reverses: UUID | None
    digest: str
    counted: str | None
    """The first meter that counts the event."""
    entered_at: datetime | None
    """The event's time in the ledger, if different."""


class _Known(msgspec.Struct, frozen=True, gc=False):
    """An event stored already, or earlier in the same request. `entered`: the meters that count it."""

    id: UUID
    meter: str
    quantity: Decimal
    digest: str
    occurred_at: datetime
    is_reversal: bool
    is_reversed: bool
    entered: Sequence[str]


class _Reading(NamedTuple):
    """A meter that reads the events of a name."""

    code: str
    retired_at: datetime | None
    counting: Counting


class _Reporting:
    """State of one report: known events of its source, rows to store, and the results so far."""

    def __init__(self, meters: Sequence[MeterDefinition], source: str, now: datetime) -> None:
        self.source_is_shown = _is_shown(source)
        self.earliest, self.latest = now - LATEST, now + AHEAD
        self.meters: dict[str, list[_Reading]] = {}
        for one in meters:
            self.meters.setdefault(one.reads, []).append(_Reading(one.code, one.retired_at, one.counting))
        self.takes_all = {
            name: [one.code for one in found]
            for name, found in self.meters.items()
            if all(one.retired_at is None and not one.counting.filters for one in found)
        }
        """Codes of the meters, by names whose events all count."""
        self.known: dict[str, _Known] = {}
        self.rows: list[_Row] = []
        self.uses: list[Usage] = []
        """Usage to enter under further meters."""

    def take(self, event: UsageEventInput, new_id: NewId) -> ReportedEvent:
        try:
            return self._take(event, new_id)
        except DomainError as refusal:
            return ReportedEvent(event.id, "refused", refusal.code, refusal.detail)

    def _take(self, event: UsageEventInput, new_id: NewId) -> ReportedEvent:
        written = _check_bounds(event)
        occurred_at = event.occurred_at.astimezone(UTC)
        digest = _digest(event, occurred_at, written)
        if (known := self.known.get(event.id)) is not None:
            if known.digest == digest:
                return ReportedEvent(event.id, "duplicate")
            raise Conflict(
                N_("An event with this ID was reported before with other content. Take it back and report a new one.")
            )
        self._check_texts(event)
        meters = () if event.meter in self.takes_all else self._meters_of(event)
        self._check_time(occurred_at)
        if event.reverses:
            original = self._original(event)
            quantity, reverses = -original.quantity, original.id
            entered, entered_at = original.entered, original.occurred_at
            self.known[event.reverses] = msgspec.structs.replace(original, is_reversed=True)
        else:
            # The database counts trailing zeros as decimals.
            quantity, reverses = Decimal(1) if written is None else Decimal(written), None
            entered, entered_at = self.takes_all.get(event.meter) or self._entered(event, meters), occurred_at
        made = new_id()
        is_reversal = reverses is not None
        self.rows.append(
            _Row(made, event.meter, event.id, quantity, occurred_at, event.dimensions, reverses, digest,
                 entered[0] if entered else None,
                 entered_at if is_reversal else None)
        )  # fmt: skip
        if len(entered) > 1:
            self.uses += [Usage(meter, made, quantity, entered_at, made, is_reversal) for meter in entered[1:]]
        self.known[event.id] = _Known(made, event.meter, quantity, digest, entered_at, is_reversal, False, entered)
        return ReportedEvent(event.id, "accepted")

    def _check_texts(self, event: UsageEventInput) -> None:
        if not _is_shown(event.id):
            raise _hidden("id")
        if not self.source_is_shown:
            raise _hidden("source")
        for value in event.dimensions.values():
            if not _is_shown(value):
                raise _hidden("dimensions")

    def _check_time(self, occurred_at: datetime) -> None:
        if occurred_at > self.latest:
            raise InvalidInput(
                N_("This usage lies in the future. Report it after it has occurred."), field="occurred_at"
            )
        if occurred_at < self.earliest:
            raise InvalidInput(
                N_("This usage is more than {days} days old, and is not billed any more."),
                params={"days": LATEST.days},
                field="occurred_at",
            )

    def _meters_of(self, event: UsageEventInput) -> Sequence[_Reading]:
        """The meters that read such events and count at this time."""
        found = self.meters.get(event.meter, [])
        if not found:
            current = {name for name, all_ in self.meters.items() if any(one.retired_at is None for one in all_)}
            raise InvalidInput(
                N_("Usage of “{name}” cannot be reported. Declare the meter, or choose one of: {known}."),
                params={"name": event.meter, "known": ", ".join(sorted(current)) or "—"},
                field="meter",
            )
        # Late reports of usage before the retirement are still valid.
        counting = [one for one in found if one.retired_at is None or event.occurred_at < one.retired_at]
        if not counting:
            raise InvalidInput(
                N_("The meter {code} was retired before this usage."), params={"code": event.meter}, field="meter"
            )
        return counting

    def _entered(self, event: UsageEventInput, meters: Sequence[_Reading]) -> Sequence[str]:
        """Codes of the meters that count the event. Refuses an event without any, which would never be billed."""
        entered = [one.code for one in meters if one.counting.takes(event.dimensions)]
        if not entered:
            raise InvalidInput(
                N_("No meter of “{name}” counts usage with these dimensions."),
                params={"name": event.meter},
                field="dimensions",
            )
        return entered

    def _original(self, event: UsageEventInput) -> _Known:
        """The reversed event."""
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
        return original


async def report_usage(
    session: AsyncSession, source: str, events: Sequence[UsageEventInput], *, now: datetime, new_id: NewId
) -> UsageReceipt:
    """Store new valid events and enter them in the ledger. In the scope of one client.

    Each event has its own result: a refused one does not stop the others. Reports of one source are processed one after
    the other.

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
    reporting = _Reporting(await list_definitions(session), source, now)
    ids = {event.id for event in events} | {event.reverses for event in events if event.reverses}
    reporting.known = await _load_known(session, source, ids)
    results = [reporting.take(event, new_id) for event in events]
    await _STORE.execute(
        session, reporting.rows, source=source, received_at=now, reported_by=scope.actor.name, recording_id=new_id()
    )
    record_new_usage(session, reporting.uses)
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
              FROM reported_usage u WHERE u.tenant_id = :t AND u.source = :source
               AND u.event_id = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:ids AS jsonb))))
        """),
        {"t": scope.tenant_id, "m": scope.msp_id, "source": source,
         "ids": msgspec.json.encode([one for one in ids if is_storable(one)]).decode()},
    )  # fmt: skip
    return {row.event_id: _known(row) for row in rows}


def _known(row: Row[Any]) -> _Known:
    return _Known(
        row.id, row.meter, row.quantity, f"\\x{row.digest}", row.occurred_at, row.is_reversal, row.is_reversed,
        row.entered,
    )  # fmt: skip


def _digest(event: UsageEventInput, occurred_at: datetime, written: str | None) -> str:
    """SHA-256 over the event's content, as PostgreSQL's text of a bytea."""
    content = (event.meter, occurred_at, written, sorted(event.dimensions.items()), event.reverses)
    return "\\x" + hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def write_exactly(quantity: Decimal) -> str:
    """Text with all digits, without trailing zeros: `1.50` and `1.5` are one quantity."""
    digits = f"{quantity:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _is_shown(text_: str) -> bool:
    return is_storable(text_) and not has_hidden(text_)


def _hidden(field: str) -> InvalidInput:
    return InvalidInput(N_("This text contains characters that cannot be shown. Remove them."), field=field)


def _check_bounds(event: UsageEventInput) -> str | None:
    """Check the bounds and return the quantity's text. Runs before any computation with the values: a number of a few
    characters may have a billion digits.
    """
    if not _FIRST_YEAR <= event.occurred_at.year <= _LAST_YEAR:
        raise InvalidInput(
            N_("Enter a time of use of the last {days} days."), params={"days": LATEST.days}, field="occurred_at"
        )
    quantity = event.quantity
    if quantity is None:
        return None
    if not quantity.is_finite() or not 0 <= quantity < _LIMIT:
        raise InvalidInput(N_("A quantity is a number of 0 or more with at most 18 digits."), field="quantity")
    written = str(quantity)
    if (
        "E" not in written and len(written) - written.find(".") - 1 <= _PLACES
    ):  # most quantities, at a third of the cost
        return written.rstrip("0").rstrip(".") if "." in written else written
    places = -int(quantity.as_tuple().exponent)
    if places > _PLACES and (places > _MOST_WRITTEN or quantity != round(quantity, _PLACES)):
        raise InvalidInput(
            N_("A quantity has at most {number} decimals."), params={"number": _PLACES}, field="quantity"
        )
    return write_exactly(quantity)
