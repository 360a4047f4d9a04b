"""Rows of this slice for the canary: none of them may reach another tenant."""

from decimal import Decimal

from billing.price_books.repository import NewPriceBook, create_price_book
from billing.price_books.unit_costs import UnitCostInput, set_unit_cost
from billing.sides import Side
from foundation.clock import utc_now
from foundation.ids import new_id
from governance.propagation.meters import VERIFIED_DELIVERIES
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    book = NewPriceBook(Side.RETAIL, "EUR", text, env.scope.tenant_id)
    async with env.services.db.transaction(env.msp_account) as session:
        book_id = await create_price_book(session, book, now=utc_now(), new_id=new_id)
        cost = UnitCostInput(meter=VERIFIED_DELIVERIES.name, unit_cost=Decimal("0.01"))
        await set_unit_cost(session, env.services.rooms.meters, book_id, cost, now=utc_now(), new_id=new_id)
