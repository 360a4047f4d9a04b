"""Rows of this slice for the canary: none of them may reach another tenant."""

from billing.wallets.credit import give_credit
from billing.wallets.schemas import NewGrant
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    grant = NewGrant(currency="EUR", amount_minor=1, reason=text)
    async with env.services.db.transaction(env.scope) as session:
        await give_credit(session, grant, now=utc_now(), new_id=new_id)
