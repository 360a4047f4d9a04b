"""Rows of this slice's lists, for the tests of every list."""

from datetime import datetime, timedelta

from sqlalchemy import text

from billing.price_books.repository import NewPriceBook, create_price_book
from billing.sides import Side
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.billing.conftest import START, Market
from tests.support.list_rows import ListSample, Matches, Rows


async def retail_market(rows: Rows, now: datetime = START) -> Market:
    """The client with a price book of its own, which the first call opens."""
    market = Market(rows.db, rows.env.msp_account, rows.env.scope, now=now)
    own = {"client": rows.env.scope.tenant_id}
    async with rows.db.transaction(rows.env.msp_account) as session:
        found = await session.scalar(text("SELECT id FROM price_book WHERE client_id = :client"), own)
    if found is None:
        await market.open_book(Side.RETAIL, "USD", own=True)
        await market.price(Side.RETAIL, "0.10", at=START - timedelta(days=900), own=True)
    else:
        market.books[Side.RETAIL, rows.env.scope.tenant_id] = found
    return market


async def add_price(rows: Rows, number: int) -> Matches:
    market = await retail_market(rows)
    await market.price(Side.RETAIL, "0.10", meter=f"{rows.tag.lower()}.{number}", own=True)
    return {"side": [Side.RETAIL]}


async def add_price_book(rows: Rows, number: int) -> None:
    book = NewPriceBook(Side.RETAIL, "USD", rows.name(number), new_id())
    async with rows.db.transaction(rows.env.msp_account) as session:
        await create_price_book(session, book, now=utc_now(), new_id=new_id)


SAMPLES: dict[str, ListSample] = {"price-books": add_price_book, "prices": add_price}
