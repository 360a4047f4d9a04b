"""Rows of this slice for the canary: none of them may reach another tenant."""

from billing.legal_entities.repository import set_billing_details
from billing.legal_entities.schemas import BillingDetailsInput
from foundation.clock import utc_now
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    buyer = BillingDetailsInput(name=text, street=text, postcode="1", city=text, country="DE")
    async with env.services.db.transaction(env.scope) as session:
        await set_billing_details(session, buyer, payer_id=None, now=utc_now())
