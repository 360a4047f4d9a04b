"""A client with a finalised invoice of 13.69: 11.50 of use in March, and 19 % of tax."""

from uuid import UUID

from billing.invoices.draft import close_period
from billing.sides import Side
from tests.billing.conftest import MARCH, Market, uses
from tests.billing.invoices.test_lifecycle import NOW, enter
from tests.support.client_env import ClientEnv


async def sell(env: ClientEnv) -> UUID:
    market = Market(env.services.db, env.msp_account, env.scope)
    await market.open_book(Side.RETAIL)
    await market.price(Side.RETAIL, "0.10", included=5)
    await enter(market)
    await market.use(*uses(120))
    await market.rate(Side.RETAIL)
    async with market.as_client() as session:
        return (await close_period(session, side=Side.RETAIL, period=MARCH, now=NOW)).id
