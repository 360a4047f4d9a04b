"""Connected accounts of the platform: created once for an MSP, and set up on Stripe's own pages."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import stripe

from billing.payments.requests import ProviderCall, RequestLog, Sent
from billing.stripe.client import provider_errors
from billing.stripe.convert import OWN_ID, OWN_LEDGER
from billing.stripe.reading import find_by_own_id


@dataclass(frozen=True, slots=True)
class StripeConnect:
    """The platform's own account. `log` has the requests about one MSP's connected account."""

    client: stripe.StripeClient
    log: RequestLog
    ledger: str

    async def put_account(self, msp_id: UUID) -> str:
        """The id of the MSP's account, which owns its charges, refunds and disputes."""
        values: dict[str, Any] = {"type": "standard", "metadata": {OWN_ID: str(msp_id), OWN_LEDGER: self.ledger}}

        async def send(key: str) -> Sent:
            with provider_errors():
                made = await self.client.v1.accounts.create_async(values, {"idempotency_key": key})  # type: ignore[arg-type]
            return {"id": made.id}

        async def find() -> Sent | None:
            with provider_errors():
                found = await find_by_own_id(await self.client.v1.accounts.list_async({"limit": 100}), msp_id)
            return None if found is None else {"id": found.id}

        call = ProviderCall(f"fl:{self.ledger}:{msp_id}:acct:v1", {"msp": str(msp_id)}, send, find)
        return str((await self.log.send(call))["id"])

    async def account_link(self, account_id: str, *, return_url: str, refresh_url: str) -> str:
        """Create a page on which the account is set up. It opens once, within minutes, so each click has its own."""
        with provider_errors():
            made = await self.client.v1.account_links.create_async(
                {
                    "account": account_id, "type": "account_onboarding", "return_url": return_url,
                    "refresh_url": refresh_url,
                }
            )  # fmt: skip
        return str(made.url)
