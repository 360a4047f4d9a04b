"""Prices to compute with: all that apply to a question, or a refusal, never a part of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.price_books.repository import PRICE_COLUMNS, PRICE_TABLES, PriceRow, price_of
from billing.sides import Side
from foundation.database.engine import scope_of
from foundation.errors import Forbidden, InvalidInput
from foundation.marks import N_

MOST_PRICES: Final = 50_000


class PriceSelection(msgspec.Struct, frozen=True, kw_only=True):
    """Criteria of prices: of a side or a book; of the common book and that of `client_id`, or of all clients without
    it; in force at any time from `start` to `end`, both included (None: no bound).
    """

    side: Side | None = None
    book_id: UUID | None = None
    client_id: UUID | None = None
    start: datetime | None = None
    end: datetime | None = None


_CONDITIONS: Final = {
    "side": "b.side = :side",
    "book_id": "b.id = :book_id",
    "client_id": "(b.client_id IS NULL OR b.client_id = :client_id)",
    "start": "(p.valid_to IS NULL OR p.valid_to > :start)",
    "end": "p.valid_from <= :end",
}


async def select_prices(session: AsyncSession, wanted: PriceSelection) -> Sequence[PriceRow]:
    """Select prices by book, meter and time. In a fleet scope.

    Raises:
        Forbidden: the scope is not a fleet's.
        InvalidInput: more than MOST_PRICES match.
    """
    scope = scope_of(session)
    if not scope.fleet:
        raise Forbidden(N_("Price books are visible to the MSP's own members only."))
    binds: dict[str, Any] = {name: value for name in _CONDITIONS if (value := getattr(wanted, name)) is not None}
    where = " AND ".join(["p.tenant_id = :msp_id", *(_CONDITIONS[name] for name in binds)])
    rows = await session.execute(
        text(f"""
            SELECT {PRICE_COLUMNS} FROM {PRICE_TABLES} WHERE {where}
             ORDER BY b.side DESC, b.client_id NULLS FIRST, p.meter, p.valid_from, p.id LIMIT :most
        """),
        {**binds, "msp_id": scope.msp_id, "most": MOST_PRICES + 1},
    )
    found = [price_of(row) for row in rows]
    if len(found) > MOST_PRICES:
        raise InvalidInput(
            N_("More than {most} prices apply, which is too many to compute with. Choose one client."),
            params={"most": MOST_PRICES},
            field="client",
        )
    return found
