"""Rows of this slice's lists, for the tests of every list."""

from decimal import Decimal

from billing.plans.repository import create_plan
from billing.plans.schemas import PlanInput
from billing.subscriptions.acts import subscribe
from billing.subscriptions.schemas import SubscriptionInput
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.billing.price_books.list_samples import retail_market
from tests.support.list_rows import ListSample, Matches, Rows


async def add_subscription(rows: Rows, number: int) -> Matches:
    await retail_market(rows)
    plan = PlanInput(code=f"plan-{number}", name=rows.name(number), currency="USD", fee=Decimal(number))
    async with rows.db.transaction(rows.env.msp_account) as session:
        await create_plan(session, plan, now=utc_now(), new_id=new_id)
    async with rows.db.transaction(rows.env.scope) as session:
        await subscribe(session, "UTC", SubscriptionInput(plan=plan.code), now=utc_now(), new_id=new_id)
    return {}


SAMPLES: dict[str, ListSample] = {"subscriptions": add_subscription}
