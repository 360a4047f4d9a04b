"""Retention plan of a client: the next deletions, legal holds and past deletions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.database.partitions import month_after
from foundation.ids import time_of
from foundation.marks import N_
from foundation.retention import CHAIN, DataClass, RetainedTable, month_of
from foundation.web.pagination import ListQuery, ListSource, ResultPage, Sort, SortKey, read_page
from governance.retention import repository
from governance.retention.repository import Case, Pins
from governance.retention.rules import ClientRules, RetentionLimit
from governance.retention.schemas import (
    DataClassView,
    DefaultView,
    ElementPolicyView,
    HoldView,
    PurgeView,
    RetentionView,
)

MANY: Final = 10_000
_MOST_SHOWN: Final = 50
PURGE_ORDER: Final = Sort(
    name="-purged",
    label=N_("Newest first"),
    reverse_label=N_("Oldest first"),
    keys=[
        SortKey("p.purged_at", "timestamptz", descending=True),
        SortKey("p.data_class"),
        SortKey("p.table_name"),
        SortKey("p.partition"),
    ],
)
ALL_PURGES: Final = ListQuery(list="purges", sort=PURGE_ORDER, limit=_MOST_SHOWN)
_SIZE: Final = text("""
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bytes, coalesce(sum(greatest(c.reltuples, 0)), 0) AS rows
      FROM pg_class c WHERE c.relkind = 'r'
       AND (c.oid = CAST(:table AS regclass)
            OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = CAST(:table AS regclass)))
""")


async def plan_retention(session: AsyncSession, classes: Sequence[DataClass], *, now: datetime) -> RetentionView:
    """Build the plan in the client's scope. Read-only."""
    scope = scope_of(session)
    rules = await repository.load_rules(session, scope.tenant_id, scope.msp_id)
    return RetentionView(
        [await view_class(session, one, rules, now) for one in classes],
        await list_holds(session),
        (await list_purges(session, ALL_PURGES, now)).items,
    )


async def view_class(session: AsyncSession, data_class: DataClass, rules: ClientRules, now: datetime) -> DataClassView:
    """Build the plan of one class with `rules`, in the client's scope."""
    limits = rules.limits(data_class, now)
    latest = max((limit.before for limit in limits), default=None)
    pins = await repository.load_retained(session, data_class, latest) if latest else Pins()
    scope = scope_of(session)
    case = Case(scope.tenant_id, scope.msp_id, data_class, rules, pins)
    due, rows, size, estimated = 0, 0, 0, False
    oldest: list[datetime] = []
    for table in data_class.tables:
        for limit in limits:
            due += await _count_due(session, case, table, limit)
        found = await _oldest(session, table)
        oldest += [found] if found else []
        estimate = await _estimate(session, table)
        rows, size, estimated = rows + estimate[0], size + estimate[1], estimated or estimate[0] > MANY
    first = min(oldest, default=None)
    next_at = None
    if limits and first:
        next_at = max(now, month_after(month_of(first)) + timedelta(days=rules.keep_days(data_class)))
    return DataClassView(
        data_class.name, data_class.title, data_class.holds, rules.keep_days(data_class),
        rules.default_days(data_class), rules.least_days(data_class),
        [ElementPolicyView(element, days) for element, days in rules.elements(data_class).items()],
        data_class.by_element, rules.is_held(data_class), rules.held_records(data_class), first,
        limits[0].before if limits else None, min(due, MANY), due > MANY, next_at, rows, estimated, size,
    )  # fmt: skip


async def _count_due(session: AsyncSession, case: Case, table: RetainedTable, limit: RetentionLimit) -> int:
    counted = text(
        f"SELECT count(*) FROM (SELECT 1 FROM {table.name} WHERE {case.condition(table, limit)} LIMIT :many) due"
    )
    return int(await session.scalar(counted, case.binds(table, limit) | {"many": MANY + 1}) or 0)


async def _oldest(session: AsyncSession, table: RetainedTable) -> datetime | None:
    if not table.key:
        return None
    first = "seq" if table.name == CHAIN else table.key
    found: UUID | datetime | None = await session.scalar(
        text(
            f"SELECT {table.key} FROM {table.name} WHERE tenant_id = :t AND ({table.closed})"
            f" AND {table.key} IS NOT NULL ORDER BY {first} LIMIT 1"
        ),
        {"t": scope_of(session).tenant_id},
    )
    return time_of(found) if isinstance(found, UUID) else found


async def _estimate(session: AsyncSession, table: RetainedTable) -> tuple[int, int]:
    """Estimate the client's rows, and their share in bytes of the table with its indexes.

    Up to MANY rows are counted: the planner has no statistics for a table not analysed yet, and rounds small ones.
    """
    tenant = {"t": scope_of(session).tenant_id}
    counted = int(
        await session.scalar(
            text(f"SELECT count(*) FROM (SELECT 1 FROM {table.name} WHERE tenant_id = :t LIMIT :many) one"),
            tenant | {"many": MANY + 1},
        )
        or 0
    )
    plan = await session.scalar(text(f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {table.name} WHERE tenant_id = :t"), tenant)
    rows = counted if counted <= MANY else max(counted, int(plan[0]["Plan"]["Plan Rows"]))
    whole = (await session.execute(_SIZE, {"table": table.name})).one()
    return (rows, int(float(whole.bytes) * rows / max(whole.rows, rows))) if rows else (0, 0)


async def list_defaults(session: AsyncSession, classes: Sequence[DataClass]) -> list[DefaultView]:
    """Defaults of the session's MSP."""
    rules = ClientRules({}, (), await repository.load_defaults(session, scope_of(session).msp_id))
    return [
        DefaultView(one.name, one.title, rules.default_days(one), one.default_days, one.least_days) for one in classes
    ]


async def list_holds(session: AsyncSession) -> list[HoldView]:
    """List active holds first, then the released ones, newest first."""
    rows = await session.execute(
        text("""
            SELECT id, data_class, record_key, reason, placed_at, placed_by, released_at, released_by, release_reason
              FROM legal_hold WHERE tenant_id = :t
             ORDER BY released_at IS NOT NULL, coalesce(released_at, placed_at) DESC, id LIMIT :limit
        """),
        {"t": scope_of(session).tenant_id, "limit": _MOST_SHOWN},
    )
    return [HoldView(*row) for row in rows]


async def list_purges(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[PurgeView]:
    """One page of `retention.lists`; the batches of one run are one line."""
    source = ListSource(
        columns="p.purged_at, p.data_class, p.table_name, p.before, p.removed, p.kept, p.partition",
        tables="""(SELECT purged_at, data_class, table_name, max(before) AS before, partition,
                          CAST(sum(removed) AS bigint) AS removed, CAST(sum(kept) AS bigint) AS kept
                     FROM retention_purge WHERE tenant_id = :t
                    GROUP BY purged_at, data_class, table_name, partition) p""",
        where="true",
        binds={"t": scope_of(session).tenant_id},
    )
    page = await read_page(session, source, query)
    return page.map(
        lambda row: PurgeView(
            row.purged_at, row.data_class, row.table_name, row.before, row.removed, row.kept, row.partition
        )
    )
