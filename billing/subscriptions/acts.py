"""Acts on subscriptions, each with a preview of its charges, computed by the code that charges."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.job_types import APPLY_ENTITLEMENTS, LANE
from billing.plans.repository import find_offer
from billing.plans.terms import LARGEST_PRICE, PlanCopy
from billing.pricing.periods import local_instant
from billing.pricing.rules import BillingRules
from billing.rating.tariffs import client_scope, lock_side
from billing.sides import Side, as_rater
from billing.subscriptions.models import ClientSubscription, SubscriptionStep
from billing.subscriptions.preview import preview_of
from billing.subscriptions.repository import RetailBook, SubscriptionRow, find_retail_book
from billing.subscriptions.schemas import ChargePreview, StepInput, SubscriptionInput
from billing.subscriptions.states import StepKind, SubscriptionState
from billing.subscriptions.timeline import (
    Subscribed,
    TimelinePart,
    TimelineStep,
    check_steps,
    local_of,
    part_at,
    period_at,
    state_at,
)
from billing.subscriptions.views import load_subscription
from foundation.audit.chain import append_audit
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import NewId
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from foundation.reasons import clean_reason

_FARTHEST: Final = timedelta(days=1100)
"""Largest distance of a start or a step from now, in the past or ahead."""


async def preview_subscription(
    session: AsyncSession, zone: str, new: SubscriptionInput, *, now: datetime, new_id: NewId
) -> ChargePreview:
    """Preview the charges of `subscribe`. Raises as `subscribe`."""
    subscribed, book = await _new(session, zone, new, now, new_id)
    return await preview_of(session, None, subscribed, at=subscribed.starts_at, rules=book.rules)


async def subscribe(session: AsyncSession, zone: str, new: SubscriptionInput, *, now: datetime, new_id: NewId) -> UUID:
    """Create a subscription of the scope's client, whose time zone is `zone`.

    Raises:
        InvalidInput: no such plan, version or add-on; nothing to charge for; or a start that is too far away.
        Conflict: there are no retail prices, or they are in another currency than the plan.
    """
    await lock_side(session, Side.RETAIL)
    subscribed, _ = await _new(session, zone, new, now, new_id)
    scope = client_scope(session)
    reason = clean_reason(new.reason) if new.reason else ""
    session.add(
        ClientSubscription(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=subscribed.id,
            plan=msgspec.to_builtins(subscribed.plan), quantity=subscribed.quantity, add_ons=dict(subscribed.add_ons),
            zone=zone, calendar=subscribed.calendar, starts_at=subscribed.starts_at, created_at=now,
            created_by=scope.actor.name, reason=reason,
        )
    )  # fmt: skip
    await session.flush()
    data = {
        "plan": subscribed.plan.code, "version": subscribed.plan.number, "quantity": subscribed.quantity,
        "starts_at": subscribed.starts_at, "reason": reason,
    }  # fmt: skip
    subject = f"subscription:{subscribed.id}"
    append_audit(session, action=BillingAction.SUBSCRIPTION_CREATED, subject=subject, data=data, at=now)
    enqueue(session, [NewJob(LANE, APPLY_ENTITLEMENTS, key=str(subscribed.id))])
    return subscribed.id


async def preview_step(
    session: AsyncSession, subscription_id: UUID, wanted: StepInput, *, now: datetime, new_id: NewId
) -> ChargePreview:
    """Preview the charges of `add_step`. Raises as `add_step`."""
    row = await load_subscription(session, subscription_id)
    step, book = await _step(session, row, wanted, now, new_id)
    after = _with(row.subscribed, step)
    return await preview_of(session, row.subscribed, after, at=step.at, rules=book.rules)


async def add_step(
    session: AsyncSession, subscription_id: UUID, wanted: StepInput, *, now: datetime, new_id: NewId
) -> TimelineStep:
    """Change, pause, resume or cancel a subscription, at once, in the past or ahead.

    Raises:
        NotFound: the client has no such subscription.
        Conflict: it is not possible in the state then, or beside a later step.
        InvalidInput: no such plan, version or add-on; nothing changes; or the time is not within the subscription.
    """
    await lock_side(session, Side.RETAIL)
    row = await load_subscription(session, subscription_id)
    step, _ = await _step(session, row, wanted, now, new_id)
    scope = client_scope(session)
    reason = clean_reason(wanted.reason) if wanted.reason else ""
    session.add(
        SubscriptionStep(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=step.id, subscription_id=subscription_id,
            number=step.number, kind=step.kind.value, takes_effect_at=step.at,
            plan=None if step.plan is None else msgspec.to_builtins(step.plan), quantity=step.quantity,
            add_ons=None if step.add_ons is None else dict(step.add_ons), credits=step.credits, reason=reason,
            recorded_at=now, recorded_by=scope.actor.name,
        )
    )  # fmt: skip
    await session.flush()
    data = {
        "kind": step.kind, "takes_effect_at": step.at, "plan": step.plan.code if step.plan else None,
        "quantity": step.quantity, "reason": reason,
    }  # fmt: skip
    subject = f"subscription:{subscription_id}"
    append_audit(session, action=BillingAction.SUBSCRIPTION_CHANGED, subject=subject, data=data, at=now)
    enqueue(session, [NewJob(LANE, APPLY_ENTITLEMENTS, key=str(step.id))])
    return step


async def undo_step(session: AsyncSession, subscription_id: UUID, step_id: UUID, reason: str, *, now: datetime) -> None:
    """Take back a step that lies ahead.

    Raises:
        NotFound: the subscription has no such step.
        Conflict: it has taken effect, is undone already, or a later step depends on it.
    """
    await lock_side(session, Side.RETAIL)
    row = await load_subscription(session, subscription_id)
    found = next((one for one in row.history if one.step.id == step_id), None)
    if found is None:
        raise NotFound
    if found.undone_at is not None or found.step.at <= now:
        raise Conflict(N_("Only what lies ahead can be undone."))
    rest = [one for one in row.subscribed.steps if one.id != step_id]
    check_steps(msgspec.structs.replace(row.subscribed, steps=rest))
    scope = client_scope(session)
    reason = clean_reason(reason) if reason else ""
    await session.execute(
        text("""
            UPDATE subscription_step SET undone_at = :now, undone_by = :by, undone_for = :reason
             WHERE tenant_id = :t AND id = :id
        """),
        {"t": scope.tenant_id, "id": step_id, "now": now, "by": scope.actor.name, "reason": reason},
    )
    data = {"kind": found.step.kind, "takes_effect_at": found.step.at, "reason": reason}
    subject = f"subscription:{subscription_id}"
    append_audit(session, action=BillingAction.SUBSCRIPTION_STEP_UNDONE, subject=subject, data=data, at=now)


async def _new(
    session: AsyncSession, zone: str, new: SubscriptionInput, now: datetime, new_id: NewId
) -> tuple[Subscribed, RetailBook]:
    day = new.starts_on or local_of(now, zone).date()
    if abs(day - now.astimezone(UTC).date()) > _FARTHEST:
        raise InvalidInput(N_("Choose a day within three years from now."), field="starts_on")
    starts_at = local_instant(datetime.combine(day, time()), zone)
    plan = await find_offer(session, new.plan, max(starts_at, now), number=new.version)
    book = await _book(session, plan)
    _check_add_ons(plan, new.add_ons)
    _check_amounts(plan, new.quantity, new.add_ons)
    return Subscribed(
        id=new_id(), zone=zone, calendar=new.calendar, starts_at=starts_at, plan=plan, quantity=new.quantity,
        add_ons={code: count for code, count in new.add_ons.items() if count},
    ), book  # fmt: skip


async def _book(session: AsyncSession, plan: PlanCopy) -> RetailBook:
    async with as_rater(session):
        book = await find_retail_book(session, client_scope(session).tenant_id)
    if book is None:
        raise Conflict(N_("There are no retail prices yet. Create a price book first."))
    if book.currency != plan.currency:
        raise Conflict(
            N_("The plan is in {plan}, and this client is billed in {currency}."),
            params={"plan": plan.currency, "currency": book.currency},
        )
    return book


async def _step(
    session: AsyncSession, row: SubscriptionRow, wanted: StepInput, now: datetime, new_id: NewId
) -> tuple[TimelineStep, RetailBook]:
    one = row.subscribed
    is_change = wanted.kind is StepKind.CHANGE
    asked = wanted.at or now
    book = await _book(session, one.plan)
    plan = None
    if is_change and wanted.plan:
        begins = _moment(one, wanted, now, book.rules, lowers=False)
        plan = await find_offer(session, wanted.plan, max(asked, begins), number=wanted.version)
    if plan is not None and plan.currency != one.plan.currency:
        raise Conflict(N_("The new plan is in another currency. End this subscription and begin another one."))
    part = part_at(one, asked)
    quantity = wanted.quantity if is_change else None
    add_ons = wanted.add_ons if is_change else None
    if add_ons is None and plan is not None:  # add-ons that the new plan does not offer end with the old one
        offered = {each.code for each in plan.terms.add_ons}
        add_ons = {code: count for code, count in part.add_ons.items() if code in offered}
    _check_add_ons(plan or part.plan, add_ons or {})
    if is_change and plan is None and quantity is None and add_ons is None:
        raise InvalidInput(N_("Choose another plan, quantity or add-on."), field="plan")
    kept = part.add_ons if add_ons is None else add_ons
    after = TimelinePart(asked, plan or part.plan, part.quantity if quantity is None else quantity, kept, False, asked)
    _check_amounts(after.plan, after.quantity, after.add_ons)
    step = TimelineStep(
        id=new_id(), number=max((each.step.number for each in row.history), default=0) + 1, kind=wanted.kind,
        at=_moment(one, wanted, now, book.rules, lowers=is_change and _monthly(after) < _monthly(part)),
        plan=plan, quantity=quantity, add_ons=add_ons, credits=wanted.credits,
    )  # fmt: skip
    if not one.starts_at <= step.at <= now + _FARTHEST and wanted.kind is not StepKind.CANCEL:
        raise InvalidInput(N_("Choose a time within the subscription."), field="at")
    check_steps(_with(one, step))
    return step, book


def _monthly(part: TimelinePart) -> Any:
    return part.plan.terms.monthly(part.quantity)


def _moment(one: Subscribed, wanted: StepInput, now: datetime, rules: BillingRules, *, lowers: bool) -> datetime:
    """Time at which the step takes effect."""
    if wanted.at is not None:
        if abs(wanted.at - now) > _FARTHEST:
            raise InvalidInput(N_("Choose a day within three years from now."), field="at")
        return wanted.at
    waits = wanted.kind is StepKind.CANCEL or (lowers and rules.downgrades_at_period_end)
    if wanted.when == "now" or (wanted.when is None and not waits):
        return now
    if state_at(one, now) is SubscriptionState.SCHEDULED:
        return now if wanted.kind is StepKind.CANCEL else one.starts_at
    period = period_at(one, now, rules)
    return max(now, one.billed_from) if period is None else period[1]


def _with(one: Subscribed, step: TimelineStep) -> Subscribed:
    return msgspec.structs.replace(one, steps=[*one.steps, step])


def _check_amounts(plan: PlanCopy, quantity: int, add_ons: Mapping[str, int]) -> None:
    """Raises InvalidInput: a line would be larger than an invoice can show exactly."""
    seats = [plan.terms.seat_price, *(one.seat_price for one in plan.terms.phases)]
    amounts = {"quantity": quantity * max(seats)}
    amounts |= {
        "add_ons": max((one.price * add_ons.get(one.code, 0) for one in plan.terms.add_ons), default=Decimal(0))
    }
    for field, amount in amounts.items():
        if amount > LARGEST_PRICE:
            raise InvalidInput(
                N_("This comes to {amount} {currency} in a period, which is more than an invoice can have."),
                params={"amount": f"{amount.normalize():f}", "currency": plan.currency}, field=field,
            )  # fmt: skip


def _check_add_ons(plan: PlanCopy, add_ons: Mapping[str, int]) -> None:
    """Raises InvalidInput."""
    offered = {one.code for one in plan.terms.add_ons}
    for code in add_ons:
        if code not in offered:
            raise InvalidInput(N_("The plan has no add-on {code}."), params={"code": code}, field="add_ons")
