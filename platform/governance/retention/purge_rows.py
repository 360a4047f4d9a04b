"""Purge of a client's rows from unpartitioned tables, in its own scope, one batch per transaction.

The owner enters the purge role, because the application may not delete governed history.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import Database, scope_of
from foundation.database.locks import lock
from foundation.database.roles import PURGE
from foundation.ids import NewId
from foundation.retention import DataClass, RetainedTable
from foundation.scope import Scope
from governance.retention import repository
from governance.retention.audit_actions import RetentionAction
from governance.retention.rules import RetentionLimit


async def purge_rows(
    owner: Database, scope: Scope, classes: Sequence[DataClass], *, now: datetime, new_id: NewId
) -> dict[str, int]:
    """Returns the number of deleted rows by table."""
    removed: dict[str, int] = {}
    for data_class, table, limit in await _list_due(owner, scope, classes, now=now):
        more = True
        while more:
            async with _purging(owner, scope) as session:
                count = await _purge_batch(session, data_class, table, limit, now=now, new_id=new_id)
            removed[table.name] = removed.get(table.name, 0) + count
            more = count == repository.BATCH
    return removed


async def _list_due(
    owner: Database, scope: Scope, classes: Sequence[DataClass], *, now: datetime
) -> list[tuple[DataClass, RetainedTable, RetentionLimit]]:
    """List the tables with rows that a limit allows to delete, before pins, in one transaction per account: in most
    runs an account has none.
    """
    async with _purging(owner, scope) as session:
        rules = await repository.load_rules(session, scope.tenant_id, scope.msp_id)
        return [
            (data_class, table, limit)
            for data_class in classes
            for table in data_class.tables
            if not table.partitioned
            for limit in rules.limits(data_class, now)
            if await repository.has_rows(
                session, repository.Case(scope.tenant_id, scope.msp_id, data_class, rules), table, limit
            )
        ]


@asynccontextmanager
async def _purging(owner: Database, scope: Scope) -> AsyncIterator[AsyncSession]:
    async with owner.transaction(scope) as session:
        await session.execute(text(f"SET LOCAL ROLE {PURGE}"))
        yield session


async def _purge_batch(  # noqa: PLR0913 - keyword-only parts of one step
    session: AsyncSession,
    data_class: DataClass,
    table: RetainedTable,
    limit: RetentionLimit,
    *,
    now: datetime,
    new_id: NewId,
) -> int:
    """The rules are loaded again under the lock, to include holds placed since."""
    scope = scope_of(session)
    await lock(session, repository.LOCK)
    rules = await repository.load_rules(session, scope.tenant_id, scope.msp_id)
    if limit not in rules.limits(data_class, now):
        return 0
    pins = await repository.load_retained(session, data_class, limit.before) if data_class.pins else repository.Pins()
    case = repository.Case(scope.tenant_id, scope.msp_id, data_class, rules, pins)
    gone = await session.execute(
        text(f"""
            DELETE FROM {table.name} WHERE tenant_id = :t AND ctid = ANY (ARRAY(
                SELECT ctid FROM {table.name} WHERE {case.condition(table, limit)} LIMIT :rows))
            RETURNING 1
        """),
        case.binds(table, limit) | {"rows": repository.BATCH},
    )
    count = len(gone.all())
    if count:
        removal = repository.Removal(table.name, limit.before, count)
        await repository.log_purge(session, case, removal, now=now, new_id=new_id)
        append_audit(
            session, action=RetentionAction.RETENTION_REMOVED, subject=f"data_class:{data_class.name}",
            data={"table": table.name, "rows": count, "before": limit.before.isoformat()}, at=now,
        )  # fmt: skip
    return count
