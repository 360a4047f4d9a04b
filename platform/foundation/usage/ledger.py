"""Metering in the transaction of the effect itself, so that billed usage cannot differ from the effects."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.bulk import BulkWrite
from foundation.database.engine import buffer, scope_of
from foundation.ids import id_floor, new_id
from foundation.usage.meters import Meter

_LONGEST_OPEN: Final = timedelta(days=7)
"""Longest time from a row's creation to its usage; older rows are read by the daily job only, which reads a year."""

USAGE_COUNT: Final = "sum(CASE WHEN u.is_reversal THEN -1 ELSE 1 END)"
"""SQL: number of the events of rows `u`; a reversal counts as minus one."""
_COLUMNS: Final = {
    "meter": "varchar", "id": "uuid", "quantity": "numeric", "occurred_at": "timestamptz", "subject_id": "uuid",
    "is_reversal": "boolean",
}  # fmt: skip


def _entering(source: str, conflict: str = "ON CONFLICT (tenant_id, meter, id) DO NOTHING") -> str:
    """SQL that enters `source`, which has the columns of `_COLUMNS`, and sums the new rows in roll-ups."""
    return f"""
        WITH entered AS (
            {_insert_events(source)}
            {conflict}
            RETURNING meter, id, quantity, occurred_at, is_reversal)
        {_insert_rollups("entered")}
    """


def enter_new(rows: str) -> str:
    """SQL: the end of a statement that stores metered objects. Enters the rows of the common table expression `rows`,
    with the columns of a `Usage`; as for `record_new_usage`, their ids were created in this transaction. Binds
    :tenant_id, :msp_id and :recording_id.
    """
    return f"entered AS ({_insert_events(f'{rows} r')}) {_insert_rollups(rows)}"


def _insert_events(source: str) -> str:
    return f"""INSERT INTO usage_event (tenant_id, msp_id, recording_id, {", ".join(_COLUMNS)})
            SELECT :tenant_id, :msp_id, :recording_id, {", ".join(f"r.{name}" for name in _COLUMNS)} FROM {source}"""


def _insert_rollups(entered: str) -> str:
    return f"""INSERT INTO usage_rollup (tenant_id, msp_id, meter, recording_id, hour, rows, events, quantity, first_at,
                                  last_at, first_id, last_id)
        SELECT :tenant_id, :msp_id, u.meter, :recording_id, {hour_of("u.occurred_at")}, count(*), {USAGE_COUNT},
               sum(u.quantity), min(u.occurred_at), max(u.occurred_at), CAST(min(CAST(u.id AS text)) AS uuid),
               CAST(max(CAST(u.id AS text)) AS uuid)
          FROM {entered} u GROUP BY u.meter, {hour_of("u.occurred_at")}"""


def hour_of(at: str) -> str:
    """SQL: the hour of the roll-up that contains an event of the time `at`."""
    return f"date_trunc('hour', {at}, 'UTC')"


_INSERT: Final = BulkWrite(_COLUMNS, _entering("{rows} ORDER BY r.place_"))
_INSERT_NEW: Final = BulkWrite(_COLUMNS, _entering("{rows} ORDER BY r.place_", conflict=""))


class Usage(NamedTuple):
    """A usage event to record. `id` is the id of the metered object: recorded twice, it is one event. `subject_id`: see
    `UsageEvent`. `is_reversal`: the quantity, negative or 0, reverses an event that was recorded before.
    """

    meter: str
    id: UUID
    quantity: int | Decimal
    occurred_at: datetime
    subject_id: UUID | None = None
    is_reversal: bool = False


def record_usage(session: AsyncSession, uses: Sequence[Usage]) -> None:
    buffer(session, _insert).extend(uses)


def record_new_usage(session: AsyncSession, uses: Sequence[Usage]) -> None:
    """As `record_usage`, for ids created in this transaction: none can be in the ledger, and looking each up would be a
    fifth of the work. The transaction fails on an id that is.
    """
    buffer(session, _insert_new).extend(uses)


async def collect_usage(
    session: AsyncSession, meter: Meter, *, since: datetime, until: datetime, rows_since: datetime
) -> None:
    """Enter the usage from `since` to `until` that `meter.collect` finds. Usage entered before is skipped. Rows created
    long before `rows_since` are not read.
    """
    scope = scope_of(session)
    found = f"(SELECT CAST(:meter AS varchar) AS meter, f.*, false AS is_reversal FROM ({meter.collect}) f) AS r"
    await session.execute(
        text(_entering(found)),
        {
            "t": scope.tenant_id, "tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "recording_id": new_id(),
            "meter": meter.name, "since": since, "until": until, "floor": id_floor(rows_since - _LONGEST_OPEN),
        },
    )  # fmt: skip


async def subjects_of(
    session: AsyncSession, client_id: UUID, meter: str, events: Sequence[UUID]
) -> Mapping[UUID, UUID]:
    """Subjects of a client's events of the meter, by event; those without a subject are omitted."""
    rows = await session.execute(
        text("""
            SELECT u.id, u.subject_id FROM usage_event u
             WHERE u.tenant_id = :t AND u.meter = :meter AND u.id = ANY (:ids) AND u.subject_id IS NOT NULL
        """),
        {"t": client_id, "meter": meter, "ids": list(events)},
    )
    return {row.id: row.subject_id for row in rows}


def dated_id(at: str, text_: str) -> str:
    """SQL: a UUIDv7 of the time `at`, the same for the same `text_`. For usage that counts once in a period; the time
    selects the partition.
    """
    stamp = f"lpad(to_hex(CAST(extract(epoch FROM {at}) * 1000 AS bigint)), 12, '0')"
    digits = f"md5({text_})"
    return f"CAST({stamp} || '7' || substr({digits}, 1, 3) || '8' || substr({digits}, 4, 15) AS uuid)"


async def _insert(session: AsyncSession, uses: list[Any]) -> None:
    await _INSERT.execute(session, uses, recording_id=new_id())


async def _insert_new(session: AsyncSession, uses: list[Any]) -> None:
    await _INSERT_NEW.execute(session, uses, recording_id=new_id())
