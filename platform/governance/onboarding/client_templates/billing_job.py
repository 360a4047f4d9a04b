"""Job that sets the billing items of the template that a client follows: prices in the MSP's account, then the plan in
the client's. The job compares before it writes, so it may run twice.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, cast

from sqlalchemy.ext.asyncio import AsyncSession

from billing.client_prices.prices import PricedClient, set_client_price
from billing.rating.tariffs import lock_side
from billing.sides import Side
from billing.subscriptions.acts import add_step, subscribe
from billing.subscriptions.schemas import StepInput, SubscriptionInput
from billing.subscriptions.states import StepKind
from foundation.clock import day_in
from foundation.database.engine import scope_of
from foundation.errors import Conflict, DomainError
from foundation.i18n.messages import MessageText, text_of
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import Handler
from foundation.marks import N_
from foundation.scope import Actor, Scope
from governance.onboarding.client_templates.billing_state import list_not_live, read_billing, read_subscribed
from governance.onboarding.client_templates.compare import ClientState, ComparedItem, compare
from governance.onboarding.client_templates.content import (
    PLAN_KEY,
    PlanStart,
    TemplateContent,
    TemplatePlan,
    TemplatePrice,
)
from governance.onboarding.client_templates.states import DRIFTING
from governance.onboarding.client_templates.store import StoredUse, end_billing, find_use, put_billing_due
from governance.onboarding.job_types import SET_TEMPLATE_BILLING, TEMPLATE_LANE, TemplateBilling
from governance.services import GovernanceServices
from tenants.accounts import get_client
from tenants.models import Client

_REASON: Final = "Template “{name}”, version {version}"
"""Stored on the subscription, which is data of the MSP."""


async def enqueue_billing(session: AsyncSession, *, now: datetime) -> None:
    """Set plan and prices of the template that the scope's client follows, on behalf of the scope's actor."""
    actor = scope_of(session).actor
    payload = TemplateBilling(kind=actor.kind, id=actor.id, name=actor.name, counts_as=actor.counts_as)
    await put_billing_due(session, now)
    enqueue(session, [NewJob(TEMPLATE_LANE, SET_TEMPLATE_BILLING, key="billing", payload=payload)])


async def enqueue_live_billing(session: AsyncSession, *, now: datetime) -> None:
    """Set the template's plan if it starts at go-live. Called at the go-live of the scope's client."""
    used = await find_use(session)
    plan = None if used is None or PLAN_KEY in used.kept else used.content.plan
    if plan is not None and plan.start is PlanStart.GO_LIVE:
        await enqueue_billing(session, now=now)


def billing_handler(services: GovernanceServices) -> Handler[TemplateBilling]:
    async def set_billing(batch: Batch[TemplateBilling]) -> None:
        if services.db is None:
            raise LookupError("this job needs the database of the services")
        by = batch.items[-1].payload
        own = Scope(batch.scope.msp_id, batch.scope.tenant_id, Actor(by.kind, by.id, by.name, counts_as=by.counts_as))
        async with services.db.transaction(own) as session:
            used, client = await find_use(session), await get_client(session)
        problems: list[MessageText] = []
        if used is not None and used.billing_due_at is not None:
            for scope, act in ((own.for_tenant(own.msp_id), _set_prices), (own, _set_plan)):
                try:
                    async with services.db.transaction(scope) as session:
                        await act(session, services, used, client)
                except DomainError as refusal:
                    problems.append(text_of(refusal))
        async with batch.commit() as session:
            if used is not None:
                await end_billing(session, due_at=used.billing_due_at, problems=problems)

    return set_billing


async def _set_prices(session: AsyncSession, services: GovernanceServices, used: StoredUse, client: Client) -> None:
    """Set all prices that differ, or none. Raises: Conflict, PriceNotAllowed."""
    now = services.clock()
    content = TemplateContent(prices=used.content.prices)
    known = await read_billing(session, [client.tenant_id], with_plans=False, now=now)
    for item in _drifting(content, known[client.tenant_id], used):
        price = cast("TemplatePrice", item.wanted)
        if price.currency != client.currency:
            raise Conflict(
                N_("The template's prices are in {template}, and this client is billed in {currency}."),
                params={"template": price.currency, "currency": client.currency},
            )
        await set_client_price(
            session, PricedClient(client.tenant_id, client.currency), meter=price.meter,
            description=price.description, terms=price.terms, valid_from=None, now=now, new_id=services.new_id,
        )  # fmt: skip


async def _set_plan(session: AsyncSession, services: GovernanceServices, used: StoredUse, client: Client) -> None:
    """Subscribe the client, or change its subscription, unless a version was applied since, which has a job of its own.
    A second worker with the same job waits here until the first has set the plan. Raises: Conflict, InvalidInput.
    """
    await lock_side(session, Side.RETAIL)
    latest = await find_use(session)
    if latest is None or latest.billing_due_at != used.billing_due_at:
        return
    now, content = services.clock(), TemplateContent(plan=used.content.plan)
    found = await read_subscribed(session, [client.tenant_id], now=now)
    subscribed = found[client.tenant_id]
    state = ClientState(content=TemplateContent(), ids={}, plans=[plan for _, plan in subscribed],
                        is_live=client.tenant_id not in await list_not_live(session, [client.tenant_id]))  # fmt: skip
    reason = _REASON.format(name=used.template_name, version=used.version)
    for item in _drifting(content, state, used):
        plan = cast("TemplatePlan", item.wanted)
        if not item.differences:
            zone = client.time_zone or "UTC"
            new = SubscriptionInput(
                plan=plan.code, quantity=plan.quantity, add_ons=plan.add_ons, starts_on=_start(plan, zone, now),
                reason=reason,
            )  # fmt: skip
            await subscribe(session, zone, new, now=now, new_id=services.new_id)
            continue
        changed = {one.name for one in item.differences}
        step = StepInput(
            kind=StepKind.CHANGE, plan=plan.code if "plan" in changed else None, quantity=plan.quantity,
            add_ons=plan.add_ons, reason=reason,
        )  # fmt: skip
        current = next((one for one, each in subscribed if each.code == plan.code), subscribed[0][0])
        await add_step(session, current, step, now=now, new_id=services.new_id)


def _start(plan: TemplatePlan, zone: str, now: datetime) -> date | None:
    """The first of the client's next month; None for today."""
    if plan.start is not PlanStart.NEXT_MONTH:
        return None
    return (day_in(zone, now).replace(day=1) + timedelta(days=32)).replace(day=1)


def _drifting(content: TemplateContent, state: ClientState, used: StoredUse) -> Sequence[ComparedItem]:
    return [one for one in compare(content, state, used.kept) if one.state in DRIFTING]
