"""Queries of usage: reported events one by one, and the usage of a month by day, client or dimension."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Period, month_before
from billing.usage.counting import SUMMED, Counting, MeterAggregation
from billing.usage.groups import Grouping, measure_groups
from billing.usage.meters import load_countings
from billing.usage.schemas import ReportedUsageView, UsageGroup, UsageSummary
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.relations import USAGE_EVENTS, USAGE_ROLLUPS
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page

DAY, CLIENT, SOURCE = "day", "client", "source"
_DIMENSION: Final = "dimension:"
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_MOST_GROUPS: Final = 50
_MOST_MEASURED: Final = 2000
"""Groups of meters that do not add up, of which the largest are shown."""
_COLUMNS: Final = """u.id, u.tenant_id AS client_id, u.meter, u.source, u.event_id, u.quantity, u.occurred_at,
    u.received_at, u.dimensions, u.reported_by,
    (SELECT o.event_id FROM reported_usage o WHERE o.tenant_id = u.tenant_id AND o.id = u.reverses) AS reverses"""


async def list_reported_usage(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ReportedUsageView]:
    """One page of reported events: a client's, or in a fleet scope those of all the MSP's clients."""
    own, binds = _mine(session)
    conditions = {
        "meter": "u.meter = :meter", "source": "u.source = :source", "event_id": "u.event_id = :event_id",
        "show": "u.reverses IS NOT NULL",
    }  # fmt: skip
    chosen = {name: query[name] for name in conditions if query[name]}
    source = ListSource(
        columns=_COLUMNS,
        tables="reported_usage u",
        where=" AND ".join([own, *(conditions[name] for name in chosen)]),
        binds={**binds, **{name: value for name, value in chosen.items() if name != "show"}},
    )
    fields = ReportedUsageView.__struct_fields__
    return (await read_page(session, source, query)).map(
        lambda row: ReportedUsageView(**{name: getattr(row, name) for name in fields})
    )


async def read_usage(session: AsyncSession, *, meter: str, period: Period, by: str, now: datetime) -> UsageSummary:
    """Usage of a meter in a month, of a client or in a fleet scope of all clients. `by`: day, client, source or
    dimension:NAME. A meter that does not add up has the sum of its clients' quantities, and each group its own.
    """
    before = month_before(period.start)
    keys = {"meter": meter, "start": period.start, "end": period.end, "before": before.start}
    counting = (await load_countings(session)).get(meter, SUMMED)
    days = await _groups(session, _DAY_KEY, "", keys | {"before": period.start}, counting)
    groups = days
    if by != DAY:
        groups = await _groups(session, *_key_of(by), keys, counting, grouped_by=by.removeprefix(_DIMENSION))
    total = await _groups(session, "''", "", keys, counting)
    quantity, earlier = (total[0].quantity, total[0].before) if total else (Decimal(0), Decimal(0))
    return UsageSummary(
        meter=meter, month=f"{period.start:%Y-%m}", by=by, as_of=now, events=sum(one.events for one in days),
        quantity=quantity, before=earlier, aggregation=counting.aggregation,
        forecast=forecast(quantity, period, now) if counting.is_additive else quantity,
        days=_every_day(days, period, now), groups=groups, dimensions=await _dimensions(session, keys),
    )  # fmt: skip


async def find_used_meter(session: AsyncSession, meters: Sequence[str], period: Period) -> str:
    """The first of the meters that has usage in the period; the first of all if none has."""
    own, binds = _mine(session)
    found = await session.scalar(
        text(f"""
            SELECT k.meter FROM unnest(CAST(:meters AS varchar[])) WITH ORDINALITY AS k (meter, place)
             WHERE EXISTS (SELECT 1 FROM {USAGE_ROLLUPS} u WHERE {own} AND u.meter = k.meter
                              AND u.hour >= :start AND u.hour < :end)
             ORDER BY k.place LIMIT 1
        """),
        {**binds, "meters": list(meters), "start": period.start, "end": period.end},
    )
    return meters[0] if found is None else str(found)


def read_grouping(by: str, *, is_fleet: bool) -> str:
    """`by`, if usage can be grouped by it. Raises InvalidInput."""
    name = by.removeprefix(_DIMENSION)
    if by in {DAY, SOURCE} or (by == CLIENT and is_fleet) or (by != name and NAME.fullmatch(name)):
        return by
    raise InvalidInput(
        N_("Group usage by day, source or dimension:NAME, or that of all clients by client."), field="by"
    )


def forecast(quantity: Decimal, period: Period, now: datetime) -> Decimal:
    """The period's quantity if usage goes on at the pace so far: proportional to time, rounded to six decimals."""
    if not period.start < now < period.end:
        return quantity
    elapsed = (now - period.start) // timedelta(microseconds=1)
    whole = (period.end - period.start) // timedelta(microseconds=1)
    with localcontext(prec=60):
        return round(quantity * whole / elapsed, 6)


_ROLLED_UP: Final = f"(SELECT tenant_id, msp_id, meter, hour AS occurred_at, events, quantity FROM {USAGE_ROLLUPS} n) u"
_ONE_BY_ONE: Final = f"""(SELECT tenant_id, msp_id, meter, id, occurred_at, quantity,
    CASE WHEN is_reversal THEN -1 ELSE 1 END AS events FROM {USAGE_EVENTS} n) u"""
_DAY_KEY: Final = "to_char(u.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
_REPORTED: Final = "LEFT JOIN reported_usage r ON r.tenant_id = u.tenant_id AND r.id = u.id"


def _key_of(by: str) -> tuple[str, str]:
    """SQL of the grouping's value, and the join that it needs."""
    if by == CLIENT:
        return "u.tenant_id::text", ""
    if by == SOURCE:
        return "coalesce(r.source, '')", _REPORTED
    # A reversal has the dimensions of the reversed event.
    original = "LEFT JOIN reported_usage o ON o.tenant_id = r.tenant_id AND o.id = r.reverses"
    return "coalesce(coalesce(o.dimensions, r.dimensions) ->> :dimension, '')", f"{_REPORTED} {original}"


async def _groups(  # noqa: PLR0913 - one grouping of one meter
    session: AsyncSession, key: str, join: str, keys: Mapping[str, object], counting: Counting, *, grouped_by: str = ""
) -> list[UsageGroup]:
    own, binds = _mine(session)
    order = "key" if key == _DAY_KEY else "quantity DESC, before DESC, key"
    value = "u.events" if counting.aggregation is MeterAggregation.COUNT else "u.quantity"
    limit = _MOST_GROUPS if counting.is_additive else _MOST_MEASURED
    bound = {**binds, **keys, **({"dimension": grouped_by} if ":dimension" in key else {})}
    rows = await session.execute(
        text(f"""
            SELECT {key} AS key, coalesce(sum(u.events) FILTER (WHERE u.occurred_at >= :start), 0)::bigint AS events,
                   coalesce(sum({value}) FILTER (WHERE u.occurred_at >= :start), 0) AS quantity,
                   coalesce(sum({value}) FILTER (WHERE u.occurred_at < :start), 0) AS before
              FROM {_ONE_BY_ONE if join else _ROLLED_UP} {join}
             WHERE {own} AND u.meter = :meter AND u.occurred_at >= :before AND u.occurred_at < :end
             GROUP BY 1 ORDER BY {order} LIMIT {limit}
        """),
        bound,
    )
    groups = [UsageGroup(row.key, row.events, Decimal(row.quantity), Decimal(row.before)) for row in rows]
    if counting.is_additive:
        return groups
    asked = Grouping(own, binds, key, keys, grouped_by)
    return (await measure_groups(session, counting, asked, groups, by_day=key == _DAY_KEY))[:_MOST_GROUPS]


async def _dimensions(session: AsyncSession, keys: Mapping[str, object]) -> Sequence[str]:
    """Names of the dimensions that the month's events have."""
    own, binds = _mine(session)
    rows = await session.scalars(
        text(f"""
            SELECT DISTINCT k FROM reported_usage u, jsonb_object_keys(u.dimensions) AS k
             WHERE {own} AND u.meter = :meter AND u.occurred_at >= :start AND u.occurred_at < :end ORDER BY k LIMIT 20
        """),
        {**binds, **{name: keys[name] for name in ("meter", "start", "end")}},
    )
    return list(rows)


def _every_day(days: Sequence[UsageGroup], period: Period, now: datetime) -> list[UsageGroup]:
    """The days so far, those without usage included."""
    found = {one.key: one for one in days}
    last = min(period.end, now.astimezone(UTC))
    count = max(-((period.start - last) // timedelta(days=1)), 1)
    names = [f"{period.start + timedelta(days=number):%Y-%m-%d}" for number in range(count)]
    return [found.get(name, UsageGroup(name, 0, Decimal(0), Decimal(0))) for name in names]


def _mine(session: AsyncSession) -> tuple[str, dict[str, Any]]:
    scope = scope_of(session)
    if scope.fleet:
        return "u.msp_id = :m", {"m": scope.msp_id}
    return "u.tenant_id = :t", {"t": scope.tenant_id}
