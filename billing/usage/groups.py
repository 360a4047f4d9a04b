"""Groups of the usage of meters that do not add up: each has the quantity of its own events."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.usage.counting import Counting, MeterAggregation
from billing.usage.measure import CARRIED, COUNTED, VALUE, MeasuredSpan, measure, measure_spans, seconds_between
from billing.usage.schemas import UsageGroup
from foundation.relations import USAGE_EVENTS

_NOW, _BEFORE = "n", "b"
_DAY: Final = timedelta(days=1)


class Grouping(msgspec.Struct, frozen=True):
    """A grouping: SQL with binds that selects the usage, SQL of the group of an event `u`; binds of the meter, the
    month, and the start of the month before.
    """

    own: str
    binds: Mapping[str, Any]
    key: str
    keys: Mapping[str, Any]
    grouped_by: str


async def measure_groups(
    session: AsyncSession, counting: Counting, asked: Grouping, counted: Sequence[UsageGroup], *, by_day: bool
) -> list[UsageGroup]:
    """The groups `counted` with their quantities; the sum of those of several clients. Largest first, days in order."""
    events = {one.key: one.events for one in counted}
    if counting.aggregation is MeterAggregation.TIME_WEIGHTED:
        found = await _levels(session, counting, asked, by_day=by_day)
    else:
        found = await _measured(session, counting, asked)
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for key, quantity in found.items():
        sums[key[38:]][key[37]] += quantity
    groups = [
        UsageGroup(key, events.get(key, 0), sums[key][_NOW], sums[key][_BEFORE]) for key in sums.keys() | events.keys()
    ]
    if by_day:
        return sorted(groups, key=lambda one: one.key)
    return sorted(groups, key=lambda one: (-one.quantity, -one.before, one.key))


async def _measured(session: AsyncSession, counting: Counting, asked: Grouping) -> Mapping[str, Decimal]:
    """Quantities by client, month (now or before) and group, in one text."""
    key = asked.key.replace(":dimension", ":grouped_by").replace("coalesce(o.dimensions, r.dimensions)", "r.dimensions")
    source = f"""
        SELECT u.tenant_id::text || ' ' || CASE WHEN u.occurred_at >= :start THEN '{_NOW}' ELSE '{_BEFORE}' END || {key}
                   AS key, u.quantity, u.occurred_at AS at, u.id, {VALUE} AS value
          FROM {USAGE_EVENTS} u JOIN reported_usage r ON r.tenant_id = u.tenant_id AND r.id = u.id
         WHERE {asked.own} AND u.meter = :meter AND u.occurred_at >= :before AND u.occurred_at < :end AND {COUNTED}
    """
    grouped = {"grouped_by": asked.grouped_by} if ":grouped_by" in key else {}
    return await measure(session, counting, source, {**asked.binds, **asked.keys, **grouped})


async def _levels(session: AsyncSession, counting: Counting, asked: Grouping, *, by_day: bool) -> Mapping[str, Decimal]:
    """As `_measured`. Each day has its own average; a grouping other than by day or client gives one group of all
    levels.
    """
    start, end, before = asked.keys["start"], asked.keys["end"], asked.keys["before"]
    clients = await session.scalars(
        text(f"""
            SELECT DISTINCT u.tenant_id FROM {USAGE_EVENTS} u
             WHERE {asked.own} AND u.meter = :meter AND u.occurred_at >= :before AND u.occurred_at < :end
        """),
        {**asked.binds, "meter": asked.keys["meter"], "before": before - CARRIED, "end": end},
    )
    spans: list[MeasuredSpan] = []
    for client in clients:
        if by_day:
            spans += [_span(client, _NOW, f"{day:%Y-%m-%d}", day, day + _DAY) for day in _days(start, end)]
            continue
        key = str(client) if asked.key.startswith("u.tenant_id") else ""
        spans.append(_span(client, _NOW, key, start, end))
        if before < start:
            spans.append(_span(client, _BEFORE, key, before, start))
    return await measure_spans(session, asked.keys["meter"], counting, spans)


def _span(client: UUID, month: str, key: str, start: datetime, end: datetime) -> MeasuredSpan:
    return MeasuredSpan(f"{client} {month}{key}", client, start, end, seconds_between(start, end))


def _days(start: datetime, end: datetime) -> Sequence[datetime]:
    return [start + _DAY * number for number in range((end - start) // _DAY)]
