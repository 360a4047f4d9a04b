"""Purge of monthly partitions, as the owner: drops a partition without needed rows, or deletes rows of it.

Rows that are still needed move to the default partition before theirs is dropped. They are looked up in each client's
own scope, by the application's role, because the owner can read only partitions, policies and holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database import partition_drop
from foundation.database.engine import Database
from foundation.database.locks import lock
from foundation.database.partition_drop import Partition
from foundation.ids import NewId
from foundation.retention import CHAIN, DataClass, RetainedTable, cutoff
from foundation.scope import Scope
from governance.retention import chain, repository
from governance.retention.clock_guard import ACTOR
from governance.retention.repository import Case, Removal
from governance.retention.rules import ClientRules

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Purge:
    """`owner` is the owner's database access, `app` the application's."""

    owner: Database
    app: Database
    now: datetime
    new_id: NewId
    dropped: list[str] = field(default_factory=list)
    removed: dict[str, int] = field(default_factory=dict)

    def count(self, table: str, rows: int) -> None:
        if rows:
            self.removed[table] = self.removed.get(table, 0) + rows


@dataclass(frozen=True, slots=True)
class _Month:
    """The partitions of one class's tables for one period; `end` is None for the default ones."""

    data_class: DataClass
    start: datetime | None
    end: datetime | None
    parts: Sequence[Partition]

    @property
    def is_chain(self) -> bool:
        return self.data_class.tables[0].name == CHAIN

    def table_of(self, part: Partition) -> RetainedTable:
        return next(table for table in self.data_class.tables if table.name == part.table)

    def is_too_young(self, now: datetime) -> bool:
        """Whether no policy can allow to delete rows of the month, so that no account's rules need to be loaded."""
        return self.start is not None and cutoff(now, self.data_class.least_days) <= self.start

    def may_drop(self, cases: Sequence[Case], now: datetime) -> bool:
        """Whether the month may be dropped; an empty month, once the default policy allows it."""
        if self.end is None:
            return False
        if not cases:
            return ClientRules({}, ()).limits(self.data_class, now)[0].before >= self.end
        for case in cases:
            earliest = case.rules.earliest(self.data_class, now)
            if earliest is None or earliest < self.end or (case.pins.floor is not None and not self.is_chain):
                return False
        return True


async def purge_partitions(run: Purge, classes: Sequence[DataClass]) -> None:
    for data_class in classes:
        if not data_class.tables[0].partitioned:
            continue
        for month in await _months(run, data_class):
            if not await _purge_month(run, month):
                break  # a later month before an earlier one would leave a gap in an audit chain


async def _months(run: Purge, data_class: DataClass) -> list[_Month]:
    """List months, oldest first, the default partitions last."""
    by_end: dict[datetime | None, list[Partition]] = {}
    async with run.owner.transaction(None) as session:
        for table in data_class.tables:
            for part in await partition_drop.list_partitions(session, table.name):
                by_end.setdefault(part.end, []).append(part)
    ends = sorted(end for end in by_end if end is not None)
    months = [_Month(data_class, start, end, by_end[end]) for start, end in zip([None, *ends], ends, strict=False)]
    return [*months, _Month(data_class, None, None, by_end.get(None, []))]


async def _purge_month(run: Purge, month: _Month) -> bool:
    """Purge a month. Returns False when the partitions are in use; the next run tries again."""
    if month.is_too_young(run.now):
        return True
    async with run.owner.transaction(None) as session:
        tenants = {one: msp for part in month.parts for one, msp in await partition_drop.list_tenants(session, part)}
        rules = [(one, msp, await repository.load_rules(session, one, msp)) for one, msp in tenants.items()]
    cases = [await _look_up_kept(run, month, Case(one, msp, month.data_class, rule)) for one, msp, rule in rules]
    if month.may_drop(cases, run.now):
        return await _drop(run, month, cases)
    for case in cases:
        if _is_due(case, month, run.now):
            await _delete(run, month, case)
    return True


def _is_due(case: Case, month: _Month, now: datetime) -> bool:
    limits = case.rules.limits(case.data_class, now)
    return any(month.start is None or limit.before > month.start for limit in limits)


async def _look_up_kept(run: Purge, month: _Month, case: Case) -> Case:
    """Look up the needed rows in the client's own scope."""
    if not _is_due(case, month, run.now):
        return case
    latest = max(limit.before for limit in case.rules.limits(case.data_class, run.now))
    before = latest if month.end is None else min(latest, month.end)
    scope = Scope(msp_id=case.msp_id, tenant_id=case.tenant_id, actor=ACTOR)
    async with run.app.transaction(scope) as session:
        return replace(case, pins=await repository.load_retained(session, case.data_class, before))


async def _reread(session: AsyncSession, case: Case) -> Case:
    return replace(case, rules=await repository.load_rules(session, case.tenant_id, case.msp_id))


async def _drop(run: Purge, month: _Month, found: Sequence[Case]) -> bool:
    """Drop partitions in one transaction with the move of the needed rows and the log entries."""
    try:
        async with run.owner.transaction(None) as session:
            await lock(session, repository.LOCK)
            cases = {case.tenant_id: await _reread(session, case) for case in found}
            if month.end is None or not month.may_drop(list(cases.values()), run.now):
                return False
            for part in month.parts:
                await _drop_one(session, run, month, part, cases)
    except OperationalError as error:
        _log.warning("retention.partition_in_use", partition=month.parts[0].name, error=str(error.orig))
        return False
    run.dropped.extend(part.name for part in month.parts)
    return True


async def _drop_one(
    session: AsyncSession, run: Purge, month: _Month, part: Partition, cases: Mapping[UUID, Case]
) -> None:
    end = month.end or run.now
    counts = await partition_drop.count_rows(session, part)
    if month.is_chain:
        await chain.anchor_before_drop(session, part, cases.values(), end=end, now=run.now)
    await partition_drop.detach(session, part)
    for tenant_id, count in counts.items():
        case = cases[tenant_id]
        stay = await _move_kept(session, case, month.table_of(part), part)
        gone = Removal(part.table, end, count - stay, stay, part.name)
        await repository.log_purge(session, case, gone, now=run.now, new_id=run.new_id)
        run.count(part.table, count - stay)
    await partition_drop.drop(session, part)


async def _move_kept(session: AsyncSession, case: Case, table: RetainedTable, part: Partition) -> int:
    held = case.rules.held_records(case.data_class) if table.record else []
    which = [f"{table.key} = ANY (CAST(:kept AS uuid[]))"] if case.pins.keys else []
    which += [f"{table.record} = ANY (CAST(:held AS varchar[]))"] if held else []
    which += ["seq >= :floor"] if table.name == CHAIN and case.pins.floor is not None else []
    if not which:
        return 0
    moved = await session.execute(
        text(f"""
            WITH moved AS (INSERT INTO {part.default_path}
                           SELECT * FROM {part.path} WHERE tenant_id = :t AND ({" OR ".join(which)}) RETURNING 1)
            SELECT count(*) FROM moved
        """),
        {"t": case.tenant_id, "kept": list(case.pins.keys), "held": held, "floor": case.pins.floor},
    )
    return int(moved.scalar_one())


async def _delete(run: Purge, month: _Month, case: Case) -> None:
    """Delete a client's rows in a month that others keep longer, or rows kept earlier and not needed any more."""
    for part in month.parts:
        more = True
        while more:
            async with run.owner.transaction(None) as session:
                await lock(session, repository.LOCK)
                current = await _reread(session, case)
                if month.is_chain:
                    count = await chain.delete_beginning(session, part, current, now=run.now, new_id=run.new_id)
                else:
                    count = await _delete_batch(session, run, month, part, current)
            run.count(part.table, count)
            more = count >= repository.BATCH and not month.is_chain


async def _delete_batch(session: AsyncSession, run: Purge, month: _Month, part: Partition, case: Case) -> int:
    table, total = month.table_of(part), 0
    for limit in case.rules.limits(case.data_class, run.now):
        inside = limit if month.end is None else replace(limit, before=min(limit.before, month.end))
        gone = await session.execute(
            text(f"""
                WITH gone AS (DELETE FROM {part.path} WHERE tenant_id = :t AND ctid = ANY (ARRAY(
                    SELECT ctid FROM {part.path} WHERE {case.condition(table, inside)} LIMIT :rows)) RETURNING 1)
                SELECT count(*) FROM gone
            """),
            case.binds(table, inside) | {"rows": repository.BATCH - total},
        )
        count = int(gone.scalar_one())
        total += count
        if count:
            removal = Removal(table.name, inside.before, count)
            await repository.log_purge(session, case, removal, now=run.now, new_id=run.new_id)
        if total >= repository.BATCH:
            break
    return total
