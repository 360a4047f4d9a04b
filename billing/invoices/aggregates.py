"""Quantities of a draft's lines whose meter does not simply add up.

A line is charged for its meter's quantity over all events of its price and month, less what invoices that are fixed
charge for them already: so late and reversed usage changes the quantity as if it had arrived in time. Each price of a
month has the quantity of its own part.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Period, services_billed_in
from billing.rating.attribution import RATED_EVENTS
from billing.rating.levels import spans_of
from billing.rating.tariffs import closed_periods, load_tariff
from billing.sides import Side
from billing.states import BILLED
from billing.usage.counting import Counting, MeterAggregation
from billing.usage.measure import COUNTED, VALUE, measure, measure_spans
from billing.usage.meters import load_countings
from foundation.scope import Scope
from foundation.state_machine import in_sql


async def charged_quantities(
    session: AsyncSession, scope: Scope, invoice: Row[Any], lines: Sequence[Row[Any]]
) -> Mapping[UUID, Decimal]:
    """The quantities by line, of lines whose meter is not a sum."""
    countings = await load_countings(session)
    quantities: dict[UUID, Decimal] = {}
    by_meter: dict[str, list[Row[Any]]] = defaultdict(list)
    for line in lines:
        if (counting := countings.get(line.meter)) is None:
            continue
        if counting.aggregation is MeterAggregation.COUNT:
            quantities[line.id] = Decimal(line.events)
        else:
            by_meter[line.meter].append(line)
    if not by_meter:
        return quantities
    keys = {"tenant_id": scope.tenant_id, "invoice_id": invoice.id, "side": invoice.side}
    billed = {row.id: row.quantity for row in await session.execute(_BILLED, keys)}
    for meter, found in by_meter.items():
        if countings[meter].aggregation is MeterAggregation.TIME_WEIGHTED:
            measured = await _levels(session, scope, invoice, meter, countings[meter], found)
        else:
            measured = await measure(session, countings[meter], _EVENTS, {**keys, "meter": meter})
        for line in found:
            quantities[line.id] = measured.get(str(line.id), Decimal(0)) - billed.get(line.id, Decimal(0))
    return quantities


async def _levels(  # noqa: PLR0913, PLR0917 - one meter of one draft
    session: AsyncSession, scope: Scope, invoice: Row[Any], meter: str, counting: Counting, lines: Sequence[Row[Any]]
) -> Mapping[str, Decimal]:
    period, side = Period(invoice.period_start, invoice.period_end), Side(invoice.side)
    services = services_billed_in(period, await closed_periods(session, scope, side))
    starts = {line.service_start for line in lines}
    wanted = [service for service in services if service.allowance_from in starts]
    tariff = await load_tariff(session, scope, side, period, wanted)
    if tariff is None:
        return {}
    return await measure_spans(session, meter, counting, spans_of(scope.tenant_id, tariff, wanted, {meter}))


_EVENTS: Final = f"""
    SELECT n.id::text AS key, u.quantity, u.occurred_at AS at, u.usage_id AS id, {VALUE} AS value
      FROM invoice_line n
      JOIN invoice_line l ON l.tenant_id = :tenant_id AND l.meter = n.meter AND l.price_id = n.price_id
                         AND l.service_start = n.service_start
      JOIN invoice i ON i.tenant_id = :tenant_id AND i.id = l.invoice_id AND i.side = :side
                    AND (i.id = :invoice_id OR i.state IN ({in_sql(BILLED)}))
      JOIN {RATED_EVENTS} u ON u.tenant_id = :tenant_id AND u.line_id = l.id
      JOIN reported_usage r ON r.tenant_id = :tenant_id AND r.id = u.usage_id
     WHERE n.tenant_id = :tenant_id AND n.invoice_id = :invoice_id AND n.meter = :meter AND {COUNTED}
"""
_BILLED: Final = text(f"""
    SELECT n.id, sum(l.quantity) AS quantity
      FROM invoice_line n
      JOIN invoice_line l ON l.tenant_id = :tenant_id AND l.meter = n.meter AND l.price_id = n.price_id
                         AND l.service_start = n.service_start AND l.invoice_id <> :invoice_id
      JOIN invoice i ON i.tenant_id = :tenant_id AND i.id = l.invoice_id AND i.side = :side
                    AND i.state IN ({in_sql(BILLED)})
     WHERE n.tenant_id = :tenant_id AND n.invoice_id = :invoice_id AND n.kind = 'usage'
     GROUP BY n.id
""")
