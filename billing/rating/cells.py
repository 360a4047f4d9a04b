"""Usage by the cells of a price by dimension, from the events: roll-ups have no dimensions."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.price_books.cells import PriceCell, in_order
from billing.pricing.charges import DimensionUsage
from billing.rating.attribution import RATED_EVENTS, VOIDED_EVENTS
from billing.usage.counting import Counting, MeterAggregation
from billing.usage.meters import load_countings
from foundation.usage.ledger import USAGE_COUNT

DIMENSIONED: Final = """LEFT JOIN reported_usage reported ON reported.tenant_id = u.tenant_id AND reported.id = {id}
    LEFT JOIN reported_usage original ON original.tenant_id = reported.tenant_id AND original.id = reported.reverses"""
"""SQL: the dimensions of an event `u`; for a reversal, those of the reversed event. `id`: the event's id."""

_CHARGED: Final = f"""
    SELECT r.tenant_id, r.usage_id, r.quantity, r.is_reversal FROM {RATED_EVENTS} r
     WHERE r.tenant_id = :client_id AND r.line_id = :line_id
     UNION ALL
    SELECT v.tenant_id, v.usage_id, v.quantity, v.is_reversal FROM {VOIDED_EVENTS} v
     WHERE v.tenant_id = :client_id AND v.line_id = :line_id AND v.meter = :meter"""
"""SQL: the events of a line, and those that a line of a voided invoice charged."""


class CellUse(msgspec.Struct, frozen=True):
    """A line's usage of one cell; `cell` is its place, or the number of cells for all other usage."""

    cell: int
    events: int
    quantity: Decimal


def cell_of(cells: Sequence[PriceCell]) -> tuple[str, dict[str, str]]:
    """SQL of the place of an event's cell, with `DIMENSIONED`, and its binds."""
    ordered = in_order(cells)
    dims = "coalesce(original.dimensions, reported.dimensions)"
    whens = " ".join(f"WHEN {dims} @> CAST(:cell_{place} AS jsonb) THEN {place}" for place, _ in ordered)
    binds = {f"cell_{place}": msgspec.json.encode(cell.dims).decode() for place, cell in ordered}
    return f"CASE {whens} ELSE {len(cells)} END", binds


async def load_cells(
    session: AsyncSession, client_id: UUID, line_id: UUID, meter: str, cells: Sequence[PriceCell]
) -> Sequence[CellUse]:
    """Usage of each cell on the line, in the order of the cells; cells without usage are omitted."""
    cell, binds = cell_of(cells)
    counting = (await load_countings(session)).get(meter)
    rows = await session.execute(
        text(f"""
            SELECT {cell} AS cell, {USAGE_COUNT} AS events, {quantity_of(counting)} AS quantity
              FROM ({_CHARGED}) u {DIMENSIONED.format(id="u.usage_id")} GROUP BY 1 ORDER BY 1
        """),
        {**binds, "client_id": client_id, "line_id": line_id, "meter": meter},
    )
    return [CellUse(row.cell, row.events, Decimal(row.quantity)) for row in rows]


def quantity_of(counting: Counting | None) -> str:
    """SQL of the quantity of events `u` of a meter that adds up."""
    counts = counting is not None and counting.aggregation is MeterAggregation.COUNT
    return USAGE_COUNT if counts else "sum(u.quantity)"


def parts_of(cells: Sequence[PriceCell], uses: Sequence[CellUse]) -> Sequence[DimensionUsage]:
    """Usage by cell for `cell_amount`, which charges usage that matches no cell at the price of all other units."""
    return [DimensionUsage(cells[one.cell].dims, one.quantity) for one in uses if one.cell < len(cells)]
