"""Breakdown of a line with a price by dimension: usage and amount of each cell."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from billing.price_books.pricing import PriceKind, Terms, terms_from_row
from billing.pricing.charges import DimensionUsage, per_unit
from billing.rating.cells import cell_of, load_cells, parts_of
from billing.schemas import Line, LineCell

Parts = Mapping[UUID, Sequence[DimensionUsage]]
"""Usage of cells by line."""
REST: Final = "rest"
"""In place of a cell's number: usage that matches no cell."""


async def load_parts(session: AsyncSession, client_id: UUID, lines: Sequence[Row[Any]]) -> Parts:
    """Load the usage by cell of a draft's lines with a price by dimension."""
    parts: dict[UUID, Sequence[DimensionUsage]] = {}
    for line in lines:
        if line.terms.get("kind") == PriceKind.MATRIX:
            cells = terms_from_row(line._mapping).cells  # noqa: SLF001
            parts[line.id] = parts_of(cells, await load_cells(session, client_id, line.id, line.meter, cells))
    return parts


async def list_line_cells(session: AsyncSession, line: Line) -> Sequence[LineCell]:
    """Cells in the order of the price, unmatched usage last; those without usage are omitted. Amounts are exact: a line
    is rounded once, as a whole.
    """
    cells = line.terms.cells
    if not cells:
        return []
    found: list[LineCell] = []
    for use in await load_cells(session, line.client_id, line.id, line.meter, cells):
        is_rest = use.cell == len(cells)
        price = line.terms.unit_price if is_rest else cells[use.cell].unit_price
        found.append(
            LineCell(
                cell=REST if is_rest else str(use.cell + 1), dims={} if is_rest else cells[use.cell].dims,
                unit_price=price, events=use.events, quantity=use.quantity, amount=per_unit(price, use.quantity),
            )
        )  # fmt: skip
    return found


def in_cell(terms: Terms, cell: str) -> tuple[str, Mapping[str, object]]:
    """SQL, with its binds, that select the events of the cell with this number, or of `REST`; no event for any other
    text.
    """
    names = {REST: len(terms.cells)} | {str(place + 1): place for place in range(len(terms.cells))}
    if not terms.cells or cell not in names:
        return "false", {}
    sql, binds = cell_of(terms.cells)
    return f"({sql}) = :in_cell", {**binds, "in_cell": names[cell]}
