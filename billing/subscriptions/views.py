"""Subscriptions as readers see them at a time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.pricing.rules import BillingRules
from billing.subscriptions.charges import fees_of
from billing.subscriptions.repository import StepRow, SubscriptionRow, load_retail_rules, load_subscriptions
from billing.subscriptions.schemas import NextCharge, SubscriptionStepView, SubscriptionView
from billing.subscriptions.timeline import Subscribed, part_at, period_at, state_at
from foundation.errors import NotFound

_AHEAD: Final = timedelta(days=800)
"""Search range for the next charge; enough for a yearly plan in arrears with a long trial."""


async def list_subscriptions(session: AsyncSession, now: datetime) -> Sequence[SubscriptionView]:
    """List subscriptions of the scope's client, or of a fleet's clients."""
    rules_of = await load_retail_rules(session)
    return [view_of(one, now, rules_of(one.client_id)) for one in await load_subscriptions(session)]


async def load_subscription(session: AsyncSession, subscription_id: UUID) -> SubscriptionRow:
    """Load a subscription with its steps. Raises NotFound."""
    found = await load_subscriptions(session, [subscription_id])
    if not found:
        raise NotFound
    return found[0]


async def load_view(session: AsyncSession, subscription_id: UUID, now: datetime) -> SubscriptionView:
    """A subscription by the rules of its client's prices. Raises NotFound."""
    row = await load_subscription(session, subscription_id)
    return view_of(row, now, (await load_retail_rules(session))(row.client_id))


def view_of(row: SubscriptionRow, now: datetime, rules: BillingRules) -> SubscriptionView:
    one = row.subscribed
    part, period = part_at(one, now), period_at(one, now, rules)
    start = SubscriptionStepView(
        one.id, None, one.starts_at, one.plan.name, one.quantity, one.add_ons or None, True, row.reason, row.created_at,
        row.created_by, None, None, False,
    )  # fmt: skip
    return SubscriptionView(
        id=one.id, client_id=row.client_id, plan=part.plan, quantity=part.quantity, add_ons=part.add_ons,
        state=state_at(one, now), calendar=one.calendar, zone=one.zone, starts_at=one.starts_at,
        trial_ends_at=one.billed_from if one.billed_from > one.starts_at else None, ends_at=one.ends_at,
        period_start=period[0] if period else None, period_end=period[1] if period else None,
        next_charge=next_charge(one, now, rules), steps=[start, *(_step(each, now) for each in row.history)],
    )  # fmt: skip


def next_charge(subscribed: Subscribed, now: datetime, rules: BillingRules) -> NextCharge | None:
    """The fees that are due first after `now`."""
    begin = max(now, subscribed.billed_from)
    later = [one for one in fees_of(subscribed, begin + _AHEAD, rules) if one.due >= now]
    if not later:
        return None
    due = later[0].due
    return NextCharge(due, sum(one.amount_minor for one in later if one.due == due))


def _step(row: StepRow, now: datetime) -> SubscriptionStepView:
    step = row.step
    return SubscriptionStepView(
        step.id, step.kind, step.at, step.plan.name if step.plan else "", step.quantity, step.add_ons, step.credits,
        row.reason, row.recorded_at, row.recorded_by, row.undone_at, row.undone_by,
        row.undone_at is None and step.at > now,
    )  # fmt: skip
