"""Queries of baselines with their systems, and of compared values."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import COST
from canonical.values import to_value
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.i18n.localizer import translate
from foundation.i18n.messages import to_message
from foundation.web.pagination import Keyset, ListQuery, ListSource, ResultPage, read_page
from governance.baseline.rows import Comparison
from governance.baseline.schemas import BaselinePartView, BaselineView, ComparedValue
from governance.labels import DELETED_CONNECTION
from governance.messages.writer import write_reason
from governance.records.keys import key_columns, same_key

BELOW_COST: Final = "below_cost"
LISTS: Final = (*(each.value for each in Comparison), BELOW_COST)
_COLUMNS: Final = ", ".join(f"b.{name}" for name in BaselineView.__struct_fields__[:-1])
_PARTS: Final = ", ".join(f"p.{name}" for name in BaselinePartView.__struct_fields__[2:-1])


async def list_baselines(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[BaselineView]:
    """One page of `baseline.lists`, with the systems of each."""
    source = ListSource(
        columns=_COLUMNS, tables="baseline b", where="b.tenant_id = :t", binds={"t": scope_of(session).tenant_id}
    )
    page = await read_page(session, source, query)
    return page.with_items(await _with_parts(session, page.items))


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
            SELECT p.baseline_id, p.connection_id, n.name, {_PARTS}
              FROM baseline_part p LEFT JOIN {CONNECTIONS} n ON n.tenant_id = p.tenant_id AND n.id = p.connection_id
             WHERE p.tenant_id = :t AND p.baseline_id = ANY (:ids) ORDER BY p.role <> 'source', n.name, p.connection_id
        """),
        {"t": scope_of(session).tenant_id, "ids": list(found)},
    )
    for part in parts:
        problem = to_message(part.error)
        counts = dict(zip(BaselinePartView.__struct_fields__[2:-1], part[3:], strict=True))
        view = {
            **counts,
            "name": part.name or translate(DELETED_CONNECTION),
            "error": write_reason(problem),
            "problem": problem,
        }
        found[part.baseline_id].append(BaselinePartView(connection_id=part.connection_id, **view))
    names = BaselineView.__struct_fields__[:-1]
    return [BaselineView(**{name: getattr(row, name) for name in names}, parts=found[row.id]) for row in rows]


async def list_compared(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ComparedValue]:
    """One page of the compared values of `query.parents["baseline_id"]`, by record key. Raises NotFound."""
    which = query["which"]
    baseline_id = query.parents["baseline_id"]
    await find_baseline(session, baseline_id)
    fits = "r.below_cost" if which == BELOW_COST else "r.comparison = :which"

    def source(keyset: Keyset) -> ListSource:
        return ListSource(
            columns=f"""n.name, {key_columns("r")}, r.connection_id,
                       i.value AS source, r.value, c.value AS cost, r.comparison, r.outcome, r.below_cost, r.seen_at,
                       r.change_id, r.unreadable, i.unreadable AS source_unreadable""",
            tables=f"""(SELECT * FROM baseline_reading r
                         WHERE r.tenant_id = :t AND r.baseline_id = :b AND {fits} AND {keyset.condition}
                         ORDER BY {keyset.order} LIMIT :page_rows) r
                  JOIN baseline_item i ON i.tenant_id = :t AND i.baseline_id = :b AND {same_key("i", "r")}
                  LEFT JOIN LATERAL (
                    SELECT * FROM baseline_item c
                     WHERE c.tenant_id = :t AND c.baseline_id = :b AND c.record_key = r.record_key
                       AND c.element = :cost AND c.record_type = r.record_type AND c.value IS NOT NULL
                       AND c.dimension IN ('', substring(r.dimension FROM 'currency=[A-Z]+'))
                     ORDER BY c.dimension DESC LIMIT 1) c ON true
                  LEFT JOIN {CONNECTIONS} n ON n.tenant_id = :t AND n.id = r.connection_id""",
            where="true",
            binds={
                "t": scope_of(session).tenant_id,
                "b": baseline_id,
                "cost": COST,
                **({} if which == BELOW_COST else {"which": which}),
            },
        )

    return (await read_page(session, source, query)).map(_to_compared)


def _to_compared(row: Row[Any]) -> ComparedValue:
    return ComparedValue(
        record_key=row.record_key,
        element=row.element,
        connection_id=row.connection_id,
        channel=row.name or translate(DELETED_CONNECTION),
        dimension=row.dimension,
        record_type=row.record_type,
        source=to_value(row.source),
        shown=to_value(row.value),
        cost=to_value(row.cost),
        comparison=row.comparison,
        outcome=row.outcome,
        below_cost=row.below_cost,
        seen_at=row.seen_at,
        change_id=row.change_id,
        unreadable=write_reason(to_message(row.unreadable), element=row.element) or "",
        source_unreadable=write_reason(to_message(row.source_unreadable), element=row.element) or "",
    )
