"""Prices of one client: its own, and the common ones of other meters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.price_books.inputs import PriceInput
from billing.price_books.pricing import Terms
from billing.price_books.repository import (
    NewPrice,
    NewPriceBook,
    PriceRow,
    create_price_book,
    set_price,
)
from billing.price_books.selection import PriceSelection, select_prices
from billing.sides import Side, as_rater
from foundation.database.engine import scope_of
from foundation.ids import NewId

OWN_BOOK: Final = "Own prices"


class ClientPriceInput(PriceInput, frozen=True, kw_only=True):
    """A retail price of one client, the one with the short name `client`, in its own currency. `valid_from`: now if not
    given. `description`: the text on the invoice; the meter's own if not given. `included` units of a month are free.
    """

    client: Annotated[str, msgspec.Meta(min_length=1, max_length=63)]


class PriceSet(msgspec.Struct, frozen=True):
    price_id: UUID
    book_id: UUID


class ClientPrices(msgspec.Struct, frozen=True):
    """Retail prices that are in force or begin later. The client's `own` replace `common` ones of the same meter."""

    own: Sequence[PriceRow]
    common: Sequence[PriceRow]


class PricedClient(msgspec.Struct, frozen=True):
    client_id: UUID
    currency: str


async def set_client_price(  # noqa: PLR0913 - keyword-only
    session: AsyncSession,
    client: PricedClient,
    *,
    meter: str,
    description: str,
    terms: Terms,
    valid_from: datetime | None,
    now: datetime,
    new_id: NewId,
) -> PriceSet:
    """Set a price of the client's own, in its own price book, which is created with the first. In the MSP account.

    Raises:
        PastIsFixed, PriceNotAllowed: as `set_price`.
    """
    book_id = await _find_book(session, client.client_id)
    if book_id is None:
        book = NewPriceBook(Side.RETAIL, client.currency, OWN_BOOK, client.client_id)
        book_id = await create_price_book(session, book, now=now, new_id=new_id)
    price = NewPrice(meter, description, terms, valid_from or now)
    return PriceSet(await set_price(session, book_id, price=price, now=now, new_id=new_id), book_id)


async def _find_book(session: AsyncSession, client_id: UUID) -> UUID | None:
    async with as_rater(session):
        found: UUID | None = await session.scalar(
            text("SELECT id FROM price_book WHERE tenant_id = :t AND side = 'retail' AND client_id = :client"),
            {"t": scope_of(session).msp_id, "client": client_id},
        )
    return found


async def load_client_prices(session: AsyncSession, client_id: UUID, *, now: datetime) -> ClientPrices:
    """Retail prices that apply to the client. In the fleet's scope."""
    rows = await select_prices(session, PriceSelection(side=Side.RETAIL, client_id=client_id, start=now))
    return ClientPrices(
        own=[one for one in rows if one.client_id == client_id],
        common=[one for one in rows if one.client_id is None],
    )
