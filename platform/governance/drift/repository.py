"""SQL of the drift scan: selection of the next values, and its results."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey, FrozenKeyed
from canonical.values import Value
from foundation.database.engine import scope_of
from governance.elements.declarations import RETIRED
from governance.elements.selection import is_contract_of
from governance.exception_types import ExceptionType
from governance.propagation.states import RUNNING
from governance.records.keys import (
    KEY_COLUMNS,
    KEY_SET,
    KEY_TYPES,
    bind_key,
    key_binds,
    key_columns,
    key_of,
    same_key,
)
from governance.records.values import row_reader


class ObservedValue(FrozenKeyed, frozen=True, gc=False):
    """The value last read on a channel."""

    value: Value
    version: int
    change_id: UUID | None
    seen_at: datetime
    drifted: bool  # has an open drift exception
    in_turn: bool  # selected by the cursor, not as a known drift


_READ: Final = row_reader(ObservedValue)
_UNMOVED: Final = f"""
    NOT EXISTS (SELECT 1 FROM propagation p WHERE p.tenant_id = :t AND p.connection_id = :c
                   AND {same_key("p", "v")} AND p.{RUNNING})
"""
"""As SQL: no propagation of the value is running, so the value last read is the expected one."""


_NOT_OWN: Final = """
    NOT EXISTS (SELECT 1 FROM element_contract own
                 WHERE own.tenant_id = :t AND {0} AND (own.source_connection_id = :c OR NOT :c = ANY (own.channels)))
"""
"""As SQL: the connection is not the source of truth of the value, for which {0} finds the contract `own`, and gets its
values. Values sent to it before remain, and are not compared.
"""


async def next_values(session: AsyncSession, connection_id: UUID, *, limit: int) -> list[ObservedValue]:
    """The next values from the cursor, and up to a quarter as many with known drift; none of retired elements."""
    scope = scope_of(session)
    rows = await session.execute(
        text(f"""
            WITH round AS (
                SELECT {", ".join(f"coalesce(max(r.{name}), '') AS {name}" for name in KEY_TYPES)}
                  FROM drift_cursor r WHERE r.tenant_id = :t AND r.connection_id = :c
            ), next AS (
                SELECT {key_columns("v")}, true AS in_turn FROM channel_value v, round
                 WHERE v.tenant_id = :t AND v.connection_id = :c
                   AND ({key_columns("v")}) > ({key_columns("round")}) AND v.element <> ALL ({RETIRED})
                   AND {_NOT_OWN.format(is_contract_of("own", "v"))}
                 ORDER BY {key_columns("v")} LIMIT :limit
            ), drifted AS (
                SELECT {key_columns("e")} FROM governance_exception e
                 WHERE e.tenant_id = :t AND e.state = 'open' AND e.code = :code AND e.connection_id = :c
                   AND e.source_event_id IS NULL AND e.element <> ALL ({RETIRED})
                   AND {_NOT_OWN.format(is_contract_of("own", "e"))}
                 ORDER BY e.seen_at LIMIT :limit / 4
            )
            SELECT {key_columns("v")}, v.value, v.version, v.change_id, v.seen_at,
                   bool_or(k.drifted), bool_or(k.in_turn)
              FROM (SELECT {KEY_COLUMNS}, false AS drifted, in_turn FROM next
                     UNION ALL SELECT {KEY_COLUMNS}, true, false FROM drifted) k
              JOIN channel_value v ON v.tenant_id = :t AND v.connection_id = :c AND {same_key("v", "k")}
             WHERE k.in_turn OR {_UNMOVED}
             GROUP BY v.tenant_id, v.connection_id, {key_columns("v")}
             ORDER BY {key_columns("v")}
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "c": connection_id, "limit": limit,
            "code": ExceptionType.CHANNEL_DRIFT,
        },
    )  # fmt: skip
    return [_READ(row) for row in rows]


async def some_stopped(session: AsyncSession, connection_id: UUID, *, limit: int) -> list[UUID]:
    """Random refused or failed propagations: changes whose value may be visible nevertheless."""
    rows = await session.execute(
        text(f"""
            SELECT p.change_id FROM propagation p
             WHERE p.tenant_id = :t AND p.connection_id = :c AND p.{RUNNING} AND p.state IN ('refused', 'failed')
             ORDER BY random() LIMIT :limit
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "limit": limit},
    )
    return list(rows.scalars())


async def find_unchanged(
    session: AsyncSession, connection_id: UUID, observed: Collection[ObservedValue]
) -> set[ObservedValue]:
    """Return the values that are unchanged since their selection."""
    rows = await session.execute(
        text(f"""
            SELECT {key_columns("v")}, v.version, v.seen_at
              FROM {KEY_SET}
              JOIN channel_value v ON v.tenant_id = :t AND v.connection_id = :c AND {same_key("v", "k")}
             WHERE {_UNMOVED}
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, **_keys(observed)},
    )
    now = {(key_of(row), row.version, row.seen_at) for row in rows}
    return {value for value in observed if (value.key, value.version, value.seen_at) in now}


async def record_seen(
    session: AsyncSession, connection_id: UUID, observed: Sequence[ObservedValue], *, now: datetime
) -> None:
    if not observed:
        return
    await session.execute(
        text(f"""
            UPDATE channel_value v SET seen_at = :now FROM {KEY_SET}
             WHERE v.tenant_id = :t AND v.connection_id = :c AND {same_key("v", "k")}
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "now": now, **_keys(observed)},
    )


async def save_cursor(
    session: AsyncSession, connection_id: UUID, observed: Sequence[ObservedValue], *, limit: int
) -> None:
    """Move the cursor behind the last value, or back to the start at the end of the list."""
    turn = [value for value in observed if value.in_turn]
    last = turn[-1] if len(turn) >= limit else None
    scope = scope_of(session)
    await session.execute(
        text(f"""
            INSERT INTO drift_cursor (tenant_id, msp_id, connection_id, {KEY_COLUMNS})
            VALUES (:t, :m, :c, :record_key, :element, :dimension, :record_type)
            ON CONFLICT (tenant_id, connection_id) DO UPDATE SET record_key = excluded.record_key,
                   element = excluded.element, dimension = excluded.dimension, record_type = excluded.record_type
        """),
        {
            "t": scope.tenant_id,
            "m": scope.msp_id,
            "c": connection_id,
            **bind_key(ElementKey("", "", "", "") if last is None else last.key),
        },
    )


def _keys(observed: Collection[ObservedValue]) -> dict[str, str]:
    return key_binds(value.key for value in observed)
