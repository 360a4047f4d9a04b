"""Rows of this slice for the canary: none of them may reach another tenant."""

from decimal import Decimal

from billing.plans.repository import create_plan
from billing.plans.schemas import PlanInput
from billing.subscriptions.acts import add_step, subscribe
from billing.subscriptions.schemas import StepInput, SubscriptionInput
from billing.subscriptions.states import StepKind
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    """A plan and a subscription to it, in the currency of the client's price book, with its end."""
    plan = PlanInput(code="plan", name=text, currency="EUR", fee=Decimal(10))
    async with env.services.db.transaction(env.msp_account) as session:
        await create_plan(session, plan, now=utc_now(), new_id=new_id)
    async with env.services.db.transaction(env.scope) as session:
        new = SubscriptionInput(plan="plan", reason=text)
        one = await subscribe(session, "UTC", new, now=utc_now(), new_id=new_id)
        end = StepInput(kind=StepKind.CANCEL, reason=text)
        await add_step(session, one, end, now=utc_now(), new_id=new_id)
