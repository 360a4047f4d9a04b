"""A client's month, by its own calendar, beside the month before."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Period, calendar_month, local_month, month_before, parse_month
from billing.time_zone import load_time_zone
from billing.usage.quantities import read_quantities
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.ids import time_of
from foundation.marks import N_
from governance.authors import name_authors
from governance.monthly_reports.queries import (
    MOST_ROWS,
    count_changes,
    month_binds,
    read_answers,
    read_deliveries,
    read_exceptions,
)
from governance.monthly_reports.schemas import MonthFigures, MonthlyReport, ReportMonth, ReportMonths, UsageFigures
from tenants.relations import CLIENTS

_MOST_MONTHS: Final = 36


async def list_months(session: AsyncSession, *, now: datetime) -> ReportMonths:
    """Months since the creation or first change of the scope's client, including the present one."""
    zone = await load_time_zone(session)
    this, first = calendar_month(now, zone), calendar_month(await _beginning(session, now), zone)
    months = [ReportMonth(name_month(this), False)]
    earlier = month_before(this.start)
    while earlier.start >= first.start and len(months) < _MOST_MONTHS:
        months.append(ReportMonth(name_month(earlier), True))
        earlier = month_before(earlier.start)
    return ReportMonths(months)


async def read_report(session: AsyncSession, month: str, *, now: datetime, with_usage: bool = True) -> MonthlyReport:
    """Read the report of `month`, such as 2026-11. `with_usage`: the reader may see usage.

    Raises:
        InvalidInput: `month` is not in this form.
        NotFound: the month has not begun.
    """
    named, zone = parse_month(month), await load_time_zone(session)
    period = local_month(named, zone)
    if period.start > now:
        raise NotFound(N_("This month has not begun yet."))
    client = await session.scalar(
        text(f"SELECT name FROM {CLIENTS} c WHERE tenant_id = :t"), {"t": scope_of(session).tenant_id}
    )
    before = month_before(named.start)
    return MonthlyReport(
        client=client or "",
        time_zone=zone,
        start=period.start,
        end=period.end,
        is_complete=period.end <= now,
        as_of=now,
        figures=await _read_figures(session, named, zone, now, with_usage=with_usage),
        before=await _read_figures(session, before, zone, now, with_usage=with_usage),
    )


def name_month(period: Period) -> str:
    return f"{period.start:%Y-%m}"


async def _read_figures(
    session: AsyncSession, named: Period, zone: str, now: datetime, *, with_usage: bool
) -> MonthFigures:
    period = local_month(named, zone)
    binds = month_binds(session, period, now)
    changes = await count_changes(session, binds)
    deliveries, channels = await read_deliveries(session, binds)
    decisions, reviewers = await read_answers(session, binds)
    names = await name_authors(session, [one.reviewer for one in reviewers])
    used = await read_quantities(session, period) if with_usage else {}
    return MonthFigures(
        month=name_month(named),
        changes=changes,
        decisions=decisions,
        deliveries=deliveries,
        channels=channels,
        exceptions=await read_exceptions(session, binds),
        reviewers=[msgspec.structs.replace(one, name=names[one.reviewer]) for one in reviewers],
        usage=[UsageFigures(meter, quantity) for meter, quantity in used.items()],
        is_partial=MOST_ROWS in {changes.proposed, deliveries.number},
    )


async def _beginning(session: AsyncSession, now: datetime) -> datetime:
    """Time of the client's creation or of its first proposed change, the earlier of the two; else `now`."""
    tenant = {"t": scope_of(session).tenant_id}
    found: Sequence[object] = (
        await session.execute(
            text(f"""
                SELECT (SELECT created_at FROM {CLIENTS} c WHERE tenant_id = :t) AS created_at,
                       (SELECT id FROM change WHERE tenant_id = :t ORDER BY id LIMIT 1) AS first
            """),
            tenant,
        )
    ).one()
    created, first = found
    times = [one for one in (created, time_of(first) if isinstance(first, UUID) else None) if isinstance(one, datetime)]
    return min(times, default=now)
