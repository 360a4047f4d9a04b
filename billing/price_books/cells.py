"""Prices by one or two dimensions of a meter: checks of their cells and of the meter."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.errors import PriceNotAllowed
from billing.pricing.charges import Cell, DimensionUsage, matrix
from billing.pricing.numbers import exact, total
from billing.usage.meters import list_definitions
from foundation.marks import N_
from foundation.text import has_hidden, is_storable

MOST_CELLS: Final = 100
MOST_DIMENSIONS: Final = 2
_LONGEST: Final = 200


class PriceCell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The price of a unit of events with these values of dimensions. Of several matching cells, the one with most
    dimensions applies; of equal ones, the first.
    """

    dims: Mapping[str, str]
    unit_price: Decimal

    @property
    def label(self) -> str:
        return write_dims(self.dims)


def write_dims(dims: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in sorted(dims.items()))


def dimensions_of(cells: Sequence[PriceCell]) -> Sequence[str]:
    """Names in their order: the database does not keep that of the cells."""
    return sorted({name for cell in cells for name in cell.dims})


def in_order(cells: Sequence[PriceCell]) -> Sequence[tuple[int, PriceCell]]:
    """Cells with their places, in order of precedence."""
    return sorted(enumerate(cells), key=lambda found: -len(found[1].dims))


def cell_amount(
    cells: Sequence[PriceCell], rest: Decimal, quantity: Decimal, parts: Sequence[DimensionUsage]
) -> Decimal:
    """Amount of `parts` at the prices of their cells, and of the rest of `quantity` at `rest`."""
    others = DimensionUsage({}, exact(quantity) - total([exact(one.quantity) for one in parts]))
    return matrix([*(Cell(cell.dims, cell.unit_price) for cell in cells), Cell({}, rest)], [*parts, others])


def check_dimensions(cells: Sequence[PriceCell]) -> None:
    """Raises PriceNotAllowed."""
    if len(cells) > MOST_CELLS or len(dimensions_of(cells)) > MOST_DIMENSIONS:
        raise PriceNotAllowed(
            N_("A price by dimension has at most {dimensions} dimensions and {cells} cells."),
            params={"dimensions": MOST_DIMENSIONS, "cells": MOST_CELLS},
            field="cells",
        )
    known: list[Mapping[str, str]] = []
    for cell in cells:
        texts = [*cell.dims, *cell.dims.values()]
        if not texts or any(not _is_visible(text) for text in texts):
            raise PriceNotAllowed(N_("Each cell has a value of a dimension."), field="cells")
        if cell.dims in known:
            raise PriceNotAllowed(N_("Two cells have the same values. Leave one out."), field="cells")
        known.append(cell.dims)


def _is_visible(text: str) -> bool:
    return bool(text.strip()) and len(text) <= _LONGEST and is_storable(text) and not has_hidden(text)


async def check_cells_meter(session: AsyncSession, meter: str, cells: Sequence[PriceCell]) -> None:
    """Raises PriceNotAllowed for cells of a meter whose events have no dimensions, or do not add up."""
    if not cells:
        return
    declared = {one.code: one.counting for one in await list_definitions(session)}
    if meter not in declared or not declared[meter].is_additive:
        raise PriceNotAllowed(
            N_("Only a meter of your own that sums or counts its events has a price by dimension."), field="meter"
        )
