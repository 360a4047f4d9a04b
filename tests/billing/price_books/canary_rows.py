"""Rows of this slice for the canary: none of them may reach another tenant."""

from billing.price_books.repository import NewPriceBook, create_price_book
from billing.sides import Side
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    book = NewPriceBook(Side.RETAIL, "EUR", text, env.scope.tenant_id)
    async with env.services.db.transaction(env.msp_account) as session:
        await create_price_book(session, book, now=utc_now(), new_id=new_id)
