"""Plans and prices of clients in the form of a template. In the fleet's scope, the MSP account (prices only) or the
account of the one client.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.client_prices.prices import load_own_prices
from billing.subscriptions.repository import load_subscriptions
from billing.subscriptions.states import StepKind, SubscriptionState
from billing.subscriptions.timeline import Subscribed, part_at, state_at
from governance.onboarding.client_templates.compare import ClientState
from governance.onboarding.client_templates.content import TemplateContent, TemplatePlan, price_of


async def read_billing(
    session: AsyncSession, clients: Collection[UUID], *, with_plans: bool = True, now: datetime
) -> Mapping[UUID, ClientState]:
    """The plans and the own prices of each of these clients."""
    prices = await load_own_prices(session, clients, now=now)
    plans = await read_subscribed(session, clients, now=now) if with_plans else {}
    return {
        one: ClientState(
            content=TemplateContent(
                prices=[
                    price_of(price.meter, price.currency, price.description, price.terms)
                    for price in prices.get(one, ())
                ]
            ),
            ids={},
            plans=[plan for _, plan in plans.get(one, ())],
        )
        for one in clients
    }


async def read_subscribed(
    session: AsyncSession, clients: Collection[UUID], *, now: datetime
) -> Mapping[UUID, Sequence[tuple[UUID, TemplatePlan]]]:
    """The subscriptions of each of these clients that have not ended, with their plans as last planned."""
    found: defaultdict[UUID, list[tuple[UUID, TemplatePlan]]] = defaultdict(list)
    for row in await load_subscriptions(session, clients=clients):
        if state_at(row.subscribed, now) is not SubscriptionState.CANCELLED:
            found[row.client_id].append((row.subscribed.id, _planned(row.subscribed, now)))
    return found


async def list_not_live(session: AsyncSession, clients: Collection[UUID]) -> Collection[UUID]:
    """The given clients whose onboarding has not ended."""
    rows = text("SELECT tenant_id FROM onboarding WHERE tenant_id = ANY (:ids) AND live_at IS NULL")
    return set(await session.scalars(rows, {"ids": list(clients)}))


def _planned(subscribed: Subscribed, now: datetime) -> TemplatePlan:
    """The plan after all scheduled changes."""
    changes = [one.at for one in subscribed.steps if one.kind is StepKind.CHANGE]
    part = part_at(subscribed, max([now, subscribed.starts_at, *changes]))
    add_ons = {code: count for code, count in part.add_ons.items() if count}
    return TemplatePlan(code=part.plan.code, quantity=part.quantity, add_ons=add_ons)
