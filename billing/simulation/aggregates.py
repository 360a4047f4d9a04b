"""Quantities of a simulated month, of meters that do not add up: one for each client's price, as drafts have them."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Period
from billing.price_books.cells import PriceCell
from billing.price_books.slots import Slot
from billing.pricing.charges import DimensionUsage
from billing.rating.cells import DIMENSIONED, CellUse, cell_of, parts_of, quantity_of
from billing.usage.counting import Counting, MeterAggregation
from billing.usage.measure import CARRIED, MeasuredSpan, measure_spans, seconds_between
from foundation.database.engine import scope_of
from foundation.relations import USAGE_EVENTS
from foundation.usage.ledger import USAGE_COUNT

CellParts = dict[tuple[UUID, UUID], list[DimensionUsage]]
"""Usage by cell, by client and price."""


async def level_clients(
    session: AsyncSession, countings: Mapping[str, Counting], period: Period, client_id: UUID | None
) -> Sequence[tuple[UUID, str]]:
    """Clients and meters with a level that may hold in the month, reported then or before."""
    levels = [meter for meter, one in countings.items() if one.aggregation is MeterAggregation.TIME_WEIGHTED]
    if not levels:
        return []
    rows = await session.execute(
        text(f"""
            SELECT DISTINCT u.tenant_id, u.meter FROM {USAGE_EVENTS} u
             WHERE u.msp_id = :msp_id AND u.meter = ANY (:meters) AND u.occurred_at >= :first AND u.occurred_at < :end
               AND (CAST(:client_id AS uuid) IS NULL OR u.tenant_id = CAST(:client_id AS uuid))
             ORDER BY 1, 2
        """),
        {
            "msp_id": scope_of(session).msp_id, "meters": levels, "first": period.start - CARRIED, "end": period.end,
            "client_id": client_id,
        },
    )  # fmt: skip
    return [(row.tenant_id, row.meter) for row in rows]


async def measure_cells(
    session: AsyncSession,
    countings: Mapping[str, Counting],
    wanted: Iterable[tuple[UUID, str, Slot]],
    cells: Mapping[UUID, Sequence[PriceCell]],
) -> CellParts:
    """Usage by cell of the slots of clients' meters, by client and price."""
    by_price: dict[UUID, list[tuple[UUID, str, Slot]]] = {}
    for one in wanted:
        by_price.setdefault(one[2].price_id, []).append(one)
    found: CellParts = {}
    for price_id, spans in by_price.items():
        meter = spans[0][1]
        cell, binds = cell_of(cells[price_id])
        quantity = quantity_of(countings.get(meter))
        rows = await session.execute(
            text(f"""
                SELECT s.client_id, {cell} AS cell, {USAGE_COUNT} AS events, {quantity} AS quantity
                  FROM unnest(CAST(:clients AS uuid[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
                       AS s (client_id, starts, ends)
                  JOIN {USAGE_EVENTS} u ON u.tenant_id = s.client_id AND u.meter = :meter
                                       AND u.occurred_at >= s.starts AND u.occurred_at < s.ends
                  {DIMENSIONED.format(id="u.id")}
                 GROUP BY s.client_id, cell ORDER BY s.client_id, cell
            """),
            {
                **binds, "meter": meter, "clients": [client for client, _, _ in spans],
                "starts": [slot.start for _, _, slot in spans], "ends": [slot.end for _, _, slot in spans],
            },
        )  # fmt: skip
        for row in rows:
            use = CellUse(row.cell, row.events, Decimal(row.quantity))
            found.setdefault((row.client_id, price_id), []).extend(parts_of(cells[price_id], [use]))
    return found


async def measure_prices(
    session: AsyncSession,
    countings: Mapping[str, Counting],
    wanted: Iterable[tuple[UUID, str, Sequence[Slot]]],
    period: Period,
) -> Mapping[tuple[UUID, UUID], Decimal]:
    """Quantities by client and price, of the slots of clients' meters. Those without usage are omitted."""
    seconds = seconds_between(period.start, period.end)
    spans: dict[str, list[MeasuredSpan]] = {}
    for client, meter, slots in wanted:
        spans.setdefault(meter, []).extend(
            MeasuredSpan(f"{client} {slot.price_id}", client, slot.start, slot.end, seconds) for slot in slots
        )
    found: dict[tuple[UUID, UUID], Decimal] = {}
    for meter, of_meter in sorted(spans.items()):
        for key, quantity in (await measure_spans(session, meter, countings[meter], of_meter)).items():
            client_id, _, price_id = key.partition(" ")
            found[UUID(client_id), UUID(price_id)] = quantity
    return found
