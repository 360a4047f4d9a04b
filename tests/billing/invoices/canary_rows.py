"""Rows of this slice for the canary: none of them may reach another tenant."""

from datetime import timedelta

from billing.models import Invoice
from billing.sides import Side
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.support.client_env import ClientEnv

UNSAMPLED = {"line_id": "the sample is an invoice without lines"}


async def add_rows(env: ClientEnv, text: str) -> None:
    now = utc_now()
    invoice = Invoice(
        **env.own, id=new_id(), side=Side.RETAIL, client_id=env.scope.tenant_id, period_start=now,
        period_end=now + timedelta(days=1), currency="EUR", created_at=now, updated_at=now,
    )  # fmt: skip
    async with env.services.db.transaction(env.scope) as session:
        session.add(invoice)
