"""The time in the account's zone: facts for policies that name them, and the start of the month."""

from datetime import UTC, datetime, tzinfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.i18n.negotiation import zone_of
from policy.conditions import Facts
from policy.index import PolicyIndex
from policy.time_facts import TIME_FACTS, time_facts
from tenants.relations import CLIENTS


def month_start(at: datetime, zone: tzinfo) -> datetime:
    """Midnight of the first day of the month of `at` on the clocks of `zone`, in UTC."""
    return at.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


async def load_time_facts(session: AsyncSession, index: PolicyIndex, now: datetime) -> Facts:
    """Facts of the time; empty if no rule names one."""
    named = any(not TIME_FACTS.isdisjoint(facts) for facts in index.facts.values())
    return time_facts(now, await load_zone(session)) if named else {}


async def load_zone(session: AsyncSession) -> tzinfo:
    """The zone of the scope's client; UTC if it has chosen none."""
    name: str | None = await session.scalar(
        text(f"SELECT time_zone FROM {CLIENTS} c WHERE tenant_id = :t"), {"t": scope_of(session).tenant_id}
    )
    return zone_of(name or "")
