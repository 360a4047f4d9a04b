"""Retail prices of a month, for the amounts of differences."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.line_kinds import LineKind
from billing.periods import Period
from billing.price_books.pricing import charge
from billing.price_books.repository import PriceRow
from billing.price_books.selection import PriceSelection, select_prices
from billing.price_books.slots import Slot
from billing.pricing.charges import DimensionUsage
from billing.rating.cells import load_cells, parts_of
from billing.sides import Side
from billing.simulation.aggregates import measure_cells
from billing.states import InvoiceState
from billing.three_way.compare import Key, Price, Sides, keys_of
from billing.usage.meters import load_countings
from canonical.money import decimal_amount
from foundation.database.engine import scope_of

_INSTANT: Final = timedelta(microseconds=1)
_Latest = Mapping[tuple[UUID | None, str], PriceRow]
_Parts = Mapping[tuple[Key, Decimal], Sequence[DimensionUsage]]
"""Usage by cell, of a client's meter with this quantity."""


async def load_price(session: AsyncSession, period: Period, sides: Sides) -> Price:
    """Load the last price of the month: the client's own, or the common one. In a fleet scope.

    A price by dimension applies to the quantities in use and billed, whose cells are known; other quantities have no
    price.
    """
    wanted = PriceSelection(side=Side.RETAIL, start=period.start, end=period.end - _INSTANT)
    latest: _Latest = {
        (row.client_id, row.meter): row for row in await select_prices(session, wanted)
    }  # in the order of time
    parts = await _load_parts(session, period, sides, latest)
    return lambda key, quantity: _price(_find(latest, key), quantity, parts.get((key, quantity)))


def _find(latest: _Latest, key: Key) -> PriceRow | None:
    return latest.get(key) or latest.get((None, key[1]))


def _price(
    found: PriceRow | None, quantity: Decimal, parts: Sequence[DimensionUsage] | None
) -> tuple[Decimal, str] | None:
    if found is None or (found.terms.cells and quantity > 0 and parts is None):
        return None
    if quantity <= 0:
        return Decimal(0), found.currency
    cost = charge(found.terms, before=0, quantity=quantity, currency=found.currency, parts=parts or ()).amount_minor
    return decimal_amount(cost, found.currency), found.currency


async def _load_parts(session: AsyncSession, period: Period, sides: Sides, latest: _Latest) -> _Parts:
    """Load usage by cell of the differences with a price by dimension."""
    wanted: dict[Key, PriceRow] = {}
    for key in keys_of(sides):
        price, billed = _find(latest, key), sides.billed.get(key)
        if price is not None and price.terms.cells and sides.used.get(key) != (billed.quantity if billed else None):
            wanted[key] = price
    if not wanted:
        return {}
    countings = await load_countings(session)
    cells = {price.id: price.terms.cells for price in wanted.values()}
    slots = [
        (client, meter, Slot(meter, price.id, period.start, period.end, period.start))
        for (client, meter), price in wanted.items()
    ]
    used = await measure_cells(session, countings, slots, cells)
    parts: dict[tuple[Key, Decimal], Sequence[DimensionUsage]] = {
        (key, sides.used[key]): used.get((key[0], price.id), ()) for key, price in wanted.items() if key in sides.used
    }
    keys: dict[str, Any] = {
        "msp": scope_of(session).msp_id, "start": period.start, "end": period.end,
        "clients": [client for client, _ in wanted], "meters": [meter for _, meter in wanted],
    }  # fmt: skip
    lines: dict[Key, list[DimensionUsage]] = {}
    for row in (await session.execute(_LINES, keys)).all():
        key, of = (row.client_id, row.meter), wanted[row.client_id, row.meter].terms.cells
        found = parts_of(of, await load_cells(session, row.client_id, row.id, row.meter, of))
        lines.setdefault(key, []).extend(found)
    parts |= {(key, sides.billed[key].quantity): found for key, found in lines.items() if key in sides.billed}
    return parts


_LINES: Final = text(f"""
    SELECT l.client_id, l.meter, l.id
      FROM unnest(CAST(:clients AS uuid[]), CAST(:meters AS varchar[])) AS w (client_id, meter)
      JOIN invoice_line l ON l.tenant_id = w.client_id AND l.meter = w.meter
      JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
     WHERE l.msp_id = :msp AND l.side = 'retail' AND l.service_start >= :start AND l.service_start < :end
       AND l.kind = '{LineKind.USAGE}' AND i.state <> '{InvoiceState.VOID}' ORDER BY l.id
""")
