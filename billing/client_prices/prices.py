"""Prices of one client: its own, and the common ones of other meters."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.price_books.inputs import PriceInput
from billing.price_books.pricing import Terms
from billing.price_books.repository import (
    PRICE_COLUMNS,
    PRICE_TABLES,
    NewPrice,
    NewPriceBook,
    PriceRow,
    create_price_book,
    price_of,
    set_price,
)
from billing.price_books.selection import PriceSelection, select_prices
from billing.pricing.rules import BillingRules
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
        rules = await _common_rules(session)
        book = NewPriceBook(Side.RETAIL, client.currency, OWN_BOOK, client.client_id, rules)
        book_id = await create_price_book(session, book, now=now, new_id=new_id)
    price = NewPrice(meter, description, terms, valid_from or now)
    return PriceSet(await set_price(session, book_id, price=price, now=now, new_id=new_id), book_id)


async def _common_rules(session: AsyncSession) -> BillingRules:
    """Rules of the MSP's common retail prices, so that a client with its own prices is billed by the same rules."""
    async with as_rater(session):
        found = await session.scalar(
            text("SELECT rules FROM price_book WHERE tenant_id = :t AND side = 'retail' AND client_id IS NULL"),
            {"t": scope_of(session).msp_id},
        )
    return msgspec.convert(found or {}, BillingRules)


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


async def load_own_prices(
    session: AsyncSession, clients: Collection[UUID], *, now: datetime
) -> Mapping[UUID, Sequence[PriceRow]]:
    """Prices in force of each client's own. In the fleet's scope, the MSP account or the account of the one client."""
    query = text(f"""
        SELECT {PRICE_COLUMNS} FROM {PRICE_TABLES}
         WHERE p.tenant_id = :m AND b.side = 'retail' AND b.client_id = ANY (:ids) AND p.valid_from <= :now
           AND (p.valid_to IS NULL OR p.valid_to > :now) ORDER BY p.meter, p.id
    """)
    scope = scope_of(session)
    binds = {"m": scope.msp_id, "ids": list(clients), "now": now}
    if scope.fleet:
        rows = (await session.execute(query, binds)).all()
    else:
        async with as_rater(session):
            rows = (await session.execute(query, binds)).all()
    found: defaultdict[UUID, list[PriceRow]] = defaultdict(list)
    for row in rows:
        price = price_of(row)
        if price.client_id is not None:
            found[price.client_id].append(price)
    return found
