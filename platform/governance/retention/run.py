"""Retention run: deletes expired rows that no policy, hold or other row needs, of every client and growing table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.database import partition_drop
from foundation.database.engine import Database
from foundation.ids import NewId
from foundation.retention import DataClass
from foundation.scope import Scope
from governance.retention.clock_guard import ACTOR, check_clock, record_run
from governance.retention.purge_partitions import Purge, purge_partitions
from governance.retention.purge_rows import purge_rows


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """Deleted rows by table, and the dropped partitions."""

    removed: Mapping[str, int]
    dropped: Sequence[str]
    clients: int


async def run_retention(  # noqa: PLR0913 - keyword-only parts of one run
    owner: Database,
    app: Database,
    classes: Sequence[DataClass],
    *,
    now: datetime,
    new_id: NewId,
    clock_confirmed: bool = False,
) -> RetentionReport:
    """Safe to repeat and to interrupt: each step is one transaction and logged in it.

    Raises ClockInDoubt, unless a person has confirmed the clock.
    """
    purge = Purge(owner, app, now, new_id)
    tenants = await _all_tenants(owner, classes)
    if not clock_confirmed:
        await check_clock(owner, app, tenants, now=now)
    for tenant_id, msp_id in sorted(tenants.items()):
        scope = Scope(msp_id=msp_id, tenant_id=tenant_id, actor=ACTOR)
        for table, rows in (await purge_rows(owner, scope, classes, now=now, new_id=new_id)).items():
            purge.count(table, rows)
    await purge_partitions(purge, classes)
    await record_run(owner, app, tenants, now=now, confirmed=clock_confirmed)
    return RetentionReport(purge.removed, purge.dropped, len(tenants))


async def _all_tenants(owner: Database, classes: Sequence[DataClass]) -> dict[UUID, UUID]:
    """Accounts with rows in a partitioned table, which are all accounts, because every action is audited."""
    found: dict[UUID, UUID] = {}
    async with owner.transaction(None) as session:
        for table in (table for one in classes for table in one.tables if table.partitioned):
            for part in await partition_drop.list_partitions(session, table.name):
                found.update(await partition_drop.list_tenants(session, part))
    return found
