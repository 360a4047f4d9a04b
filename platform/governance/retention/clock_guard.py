"""Check of the system clock before deletions: a wrong clock would delete data too early, irreversibly.

Three references: the database's own clock, the time of the last run, and the newest audit entry of any account. A
machine whose clock jumped years ahead, or fell back behind existing entries, contradicts at least one of them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import write_utc
from foundation.database.engine import Database
from foundation.database.facts import read_fact, record_fact
from foundation.errors import Conflict
from foundation.marks import N_
from foundation.relations import AUDIT_ENTRIES
from foundation.scope import Actor, Scope

ACTOR: Final = Actor.system("retention")
LAST_RUN: Final = "last_retention"
LONGEST_PAUSE: Final = timedelta(days=45)
"""Between two runs, which are daily. A longer pause must be confirmed by a person."""
TOLERANCE: Final = timedelta(hours=1)
_BELIEVED: Final = "believed_until"
_NEWEST: Final = text(f"SELECT at FROM {AUDIT_ENTRIES} a WHERE tenant_id = :t ORDER BY seq DESC LIMIT 1")
_MEND: Final = "Check the clock. If it is right, run `fairlead retention run --clock-is-right` once."


class ClockInDoubt(Conflict):
    code: ClassVar[str] = "clock-in-doubt"
    title: ClassVar[str] = N_("Nothing was removed: the clock may be wrong")


async def check_clock(owner: Database, app: Database, tenants: Mapping[UUID, UUID], *, now: datetime) -> None:
    """Compare the clock `now` with the three references. Raises ClockInDoubt."""
    async with owner.transaction(None) as session:
        database = await _database_clock(session)
        last = await read_fact(session, LAST_RUN)
    if abs(database - now) > TOLERANCE:
        raise ClockInDoubt(
            f"This machine's clock says {write_utc(now)}, the database's {write_utc(database)}."
            " Set the wrong one right."
        )
    if last is not None and not -TOLERANCE <= now - last.recorded_at <= LONGEST_PAUSE:
        raise ClockInDoubt(f"It is {write_utc(now)}, and the last run was at {write_utc(last.recorded_at)}. {_MEND}")
    newest = await _newest_entry(app, tenants)
    believed = _believed(last.value if last is not None else {})
    if newest is not None and newest - now > TOLERANCE and newest > believed:
        raise ClockInDoubt(f"It is {write_utc(now)}, and the newest audit entry is of {write_utc(newest)}. {_MEND}")


async def record_run(
    owner: Database, app: Database, tenants: Mapping[UUID, UUID], *, now: datetime, confirmed: bool
) -> None:
    """Record a run. `confirmed`: a person has confirmed the clock, so later entries are ignored."""
    newest = await _newest_entry(app, tenants) if confirmed else None
    async with owner.transaction(None) as session:
        last = await read_fact(session, LAST_RUN)
        believed = max(_believed(last.value if last is not None else {}), newest or _NEVER)
        await record_fact(session, LAST_RUN, {_BELIEVED: believed.isoformat()}, now=now)


_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def _believed(value: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(value[_BELIEVED]) if _BELIEVED in value else _NEVER


async def _database_clock(session: AsyncSession) -> datetime:
    found: datetime = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return found


async def _newest_entry(app: Database, tenants: Mapping[UUID, UUID]) -> datetime | None:
    """Time of the newest audit entry. Every action is audited, so an account's newest row has an entry."""
    newest: datetime | None = None
    for tenant_id, msp_id in tenants.items():
        async with app.transaction(Scope(msp_id=msp_id, tenant_id=tenant_id, actor=ACTOR)) as session:
            at: datetime | None = await session.scalar(_NEWEST, {"t": tenant_id})
        if at is not None and (newest is None or at > newest):
            newest = at
    return newest
