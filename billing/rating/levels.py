"""Lines of levels carried into a month: a level is charged whether or not it was reported again."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Period, Service
from billing.rating.tariffs import Tariff, draft_keys, load_tariff
from billing.sides import Side
from billing.usage.counting import MeterAggregation
from billing.usage.measure import MeasuredSpan, measure_spans, seconds_between
from billing.usage.meters import load_countings
from foundation.scope import Scope


def spans_of(
    client_id: UUID, tariff: Tariff, services: Sequence[Service], meters: Collection[str]
) -> Sequence[MeasuredSpan]:
    """The time of each line of these meters, by the line's id."""
    length = {service.allowance_from: seconds_between(service.start, service.end) for service in services}
    return [
        MeasuredSpan(str(line), client_id, slot.start, slot.end, length[slot.allowance_from])
        for slot, line in zip(tariff.slots, tariff.lines, strict=True)
        if slot.meter in meters
    ]


async def carried_lines(
    session: AsyncSession, scope: Scope, side: Side, period: Period, services: Sequence[Service]
) -> tuple[Tariff, set[UUID]] | None:
    """Lines that the client's draft needs for levels alone, and their tariff; None without any.

    Lines of the period itself, and of closed months after a month with a late report, which changed their level too.
    """
    countings = await load_countings(session)
    levels = {
        meter: counting for meter, counting in countings.items()
        if counting.aggregation is MeterAggregation.TIME_WEIGHTED
    }  # fmt: skip
    if not levels:
        return None
    late = await session.scalar(_FIRST_LATE, {**draft_keys(scope, side, period), "meters": list(levels)})
    first = period.start if late is None else min(late, period.start)
    wanted = [service for service in services if service.allowance_from >= first]
    tariff = await load_tariff(session, scope, side, period, wanted)
    if tariff is None:
        return None
    found: set[UUID] = set()
    for meter, counting in levels.items():
        measured = await measure_spans(session, meter, counting, spans_of(scope.tenant_id, tariff, wanted, {meter}))
        found |= _nonzero(measured)
    return (tariff, found) if found else None


def _nonzero(measured: Mapping[str, object]) -> set[UUID]:
    return {UUID(line) for line, quantity in measured.items() if quantity}


_FIRST_LATE: Final = text("""
    SELECT min(service_start) FROM invoice_line
     WHERE tenant_id = :tenant_id AND invoice_id = :invoice_id AND meter = ANY (:meters)
""")
