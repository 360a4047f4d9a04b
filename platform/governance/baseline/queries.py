"""Queries of baselines with their systems, and of compared values."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import COST
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput, NotFound
from governance.baseline.rows import Comparison
from governance.baseline.schemas import BaselinePage, BaselinePartView, BaselineView, ComparedPage, ComparedValue
from governance.inputs import check_exact
from governance.records.values import to_value

BELOW_COST: Final = "below_cost"
LISTS: Final = (*(verdict.value for verdict in Comparison), BELOW_COST)
_COLUMNS: Final = ", ".join(f"b.{name}" for name in BaselineView.__struct_fields__[:-1])
_PARTS: Final = ", ".join(f"p.{name}" for name in BaselinePartView.__struct_fields__[2:])


async def list_baselines(session: AsyncSession, *, cursor: UUID | None = None, limit: int = 20) -> BaselinePage:
    """List baselines with their systems, newest first."""
    rows = (
        await session.execute(
            text(f"""
                SELECT {_COLUMNS} FROM baseline b
                 WHERE b.tenant_id = :t AND (CAST(:cursor AS uuid) IS NULL OR b.id < :cursor)
                 ORDER BY b.id DESC LIMIT :limit
            """),
            {"t": scope_of(session).tenant_id, "cursor": cursor, "limit": limit + 1},
        )
    ).all()
    items = await _with_parts(session, rows[:limit])
    return BaselinePage(items, items[-1].id if len(rows) > limit else None)


async def find_baseline(session: AsyncSession, baseline_id: UUID) -> BaselineView:
    """Return a baseline. Raises NotFound."""
    rows = (
        await session.execute(
            text(f"SELECT {_COLUMNS} FROM baseline b WHERE b.tenant_id = :t AND b.id = :b"),
            {"t": scope_of(session).tenant_id, "b": baseline_id},
        )
    ).all()
    if not rows:
        raise NotFound
    return (await _with_parts(session, rows))[0]


async def _with_parts(session: AsyncSession, rows: Sequence[Row[Any]]) -> list[BaselineView]:
    """Add the systems: sources first, then channels by name."""
    found: dict[UUID, list[BaselinePartView]] = {row.id: [] for row in rows}
    parts = await session.execute(
        text(f"""
            SELECT p.baseline_id, p.connection_id, coalesce(n.name, 'a connection that is gone') AS name, {_PARTS}
              FROM baseline_part p LEFT JOIN connection n ON n.tenant_id = p.tenant_id AND n.id = p.connection_id
             WHERE p.tenant_id = :t AND p.baseline_id = ANY (:ids) ORDER BY p.role <> 'erp', n.name, p.connection_id
        """),
        {"t": scope_of(session).tenant_id, "ids": list(found)},
    )
    for part in parts:
        found[part.baseline_id].append(BaselinePartView(*part[1:]))
    return [BaselineView(**row._mapping, parts=found[row.id]) for row in rows]  # noqa: SLF001 - by name, a public way


async def list_compared(
    session: AsyncSession, baseline_id: UUID, *, which: str, cursor: str = "", limit: int = 50
) -> ComparedPage:
    """List compared values by record key. `which` is one of LISTS; `cursor` is the last page's `next_cursor`."""
    if which not in LISTS:
        raise InvalidInput(f"Choose one of {', '.join(LISTS)}.", field="which")
    place = _place(check_exact(cursor, "cursor"))
    fits = "r.below_cost" if which == BELOW_COST else "r.verdict = :which"
    beyond = "AND (r.record_key, r.element, r.connection_id) > (:key, :element, :connection)" if place else ""
    rows = (
        await session.execute(
            text(f"""
                SELECT r.record_key, r.element, r.connection_id, coalesce(n.name, 'a connection that is gone') AS name,
                       i.amount AS source, i.currency AS source_currency, r.amount, r.currency, c.amount AS cost,
                       c.currency AS cost_currency, r.verdict, r.outcome, r.below_cost, r.seen_at, r.change_id,
                       r.unreadable, i.unreadable AS source_unreadable
                  FROM (SELECT * FROM baseline_reading r
                         WHERE r.tenant_id = :t AND r.baseline_id = :b AND {fits} {beyond}
                         ORDER BY r.record_key, r.element, r.connection_id LIMIT :limit) r
                  JOIN baseline_item i ON i.tenant_id = :t AND i.baseline_id = :b AND i.record_key = r.record_key
                   AND i.element = r.element
                  LEFT JOIN LATERAL (
                    SELECT * FROM baseline_item c
                     WHERE c.tenant_id = :t AND c.baseline_id = :b AND c.record_key = r.record_key
                       AND c.element = :cost LIMIT 1) c ON true
                  LEFT JOIN connection n ON n.tenant_id = :t AND n.id = r.connection_id
                 ORDER BY r.record_key, r.element, r.connection_id
            """),
            {
                "t": scope_of(session).tenant_id,
                "b": baseline_id,
                "cost": COST,
                "limit": limit + 1,
                **({} if which == BELOW_COST else {"which": which}),
                **place,
            },
        )
    ).all()
    items = [_to_compared(row) for row in rows[:limit]]
    more = len(rows) > limit
    return ComparedPage(items, _after(items[-1]) if more else "")


def _to_compared(row: Row[Any]) -> ComparedValue:
    return ComparedValue(
        record_key=row.record_key,
        element=row.element,
        connection_id=row.connection_id,
        channel=row.name,
        source=to_value(row.source, row.source_currency),
        shown=to_value(row.amount, row.currency),
        cost=to_value(row.cost, row.cost_currency),
        verdict=row.verdict,
        outcome=row.outcome,
        below_cost=row.below_cost,
        seen_at=row.seen_at,
        change_id=row.change_id,
        unreadable=row.unreadable or "",
        source_unreadable=row.source_unreadable or "",
    )


def _after(item: ComparedValue) -> str:
    return f"{item.connection_id} {item.element} {item.record_key}"


def _place(cursor: str) -> dict[str, object]:
    """Parse a cursor. Only the record key may contain blanks. Raises InvalidInput."""
    if not cursor:
        return {}
    connection, _, rest = cursor.partition(" ")
    element, _, record_key = rest.partition(" ")
    try:
        return {"connection": UUID(connection), "element": element, "key": record_key}
    except ValueError:
        raise InvalidInput("This is not a place in the list. Begin at its start.", field="cursor") from None
