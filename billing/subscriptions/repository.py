"""Subscriptions of a client as rows, and the price book whose rules they are billed by."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.plans.terms import PlanCopy
from billing.pricing.rules import BillingRules
from billing.sides import as_rater
from billing.subscriptions.states import StepKind
from billing.subscriptions.timeline import Subscribed, TimelineStep
from foundation.database.engine import scope_of


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """A step with who recorded it, when and why; and who undid it."""

    step: TimelineStep
    reason: str
    recorded_at: datetime
    recorded_by: str
    undone_at: datetime | None
    undone_by: str | None
    undone_for: str | None


class SubscriptionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription with all its steps in the order in which they were recorded."""

    client_id: UUID
    subscribed: Subscribed
    history: Sequence[StepRow]
    created_at: datetime
    created_by: str
    reason: str


async def load_subscriptions(
    session: AsyncSession, ids: Sequence[UUID] | None = None, *, clients: Collection[UUID] | None = None
) -> Sequence[SubscriptionRow]:
    """Load subscriptions of the scope's client, or of a fleet's clients, by start; only these `ids`, or of these
    `clients`.
    """
    scope = scope_of(session)
    own = "s.msp_id = :owner" if scope.fleet else "s.tenant_id = :owner"
    binds: dict[str, Any] = {"owner": scope.msp_id if scope.fleet else scope.tenant_id}
    if ids is not None:
        own, binds["ids"] = f"{own} AND s.id = ANY(:ids)", list(ids)
    if clients is not None:
        own, binds["clients"] = f"{own} AND s.tenant_id = ANY(:clients)", list(clients)
    found = await session.execute(
        text(f"""
            SELECT s.*, coalesce((
                SELECT jsonb_agg(to_jsonb(e) ORDER BY e.number) FROM subscription_step e
                 WHERE e.tenant_id = s.tenant_id AND e.subscription_id = s.id), '[]') AS steps
              FROM subscription s WHERE {own} ORDER BY s.starts_at, s.created_at, s.id
        """),
        binds,
    )
    return [_subscription(row) for row in found]


def _subscription(row: Row[Any]) -> SubscriptionRow:
    history = [_step(one) for one in row.steps]
    subscribed = Subscribed(
        id=row.id, zone=row.zone, calendar=row.calendar, starts_at=row.starts_at,
        plan=msgspec.convert(row.plan, PlanCopy), quantity=row.quantity, add_ons=row.add_ons,
        steps=[one.step for one in history if one.undone_at is None],
    )  # fmt: skip
    return SubscriptionRow(
        client_id=row.tenant_id, subscribed=subscribed, history=history, created_at=row.created_at,
        created_by=row.created_by, reason=row.reason,
    )  # fmt: skip


def _step(row: dict[str, Any]) -> StepRow:
    step = TimelineStep(
        id=UUID(row["id"]), number=row["number"], kind=StepKind(row["kind"]),
        at=datetime.fromisoformat(row["takes_effect_at"]), quantity=row["quantity"], add_ons=row["add_ons"],
        plan=None if row["plan"] is None else msgspec.convert(row["plan"], PlanCopy), credits=row["credits"],
    )  # fmt: skip
    undone = row["undone_at"]
    return StepRow(
        step=step, reason=row["reason"], recorded_at=datetime.fromisoformat(row["recorded_at"]),
        recorded_by=row["recorded_by"], undone_at=None if undone is None else datetime.fromisoformat(undone),
        undone_by=row["undone_by"], undone_for=row["undone_for"],
    )  # fmt: skip


class RetailBook(msgspec.Struct, frozen=True):
    currency: str
    rules: BillingRules


async def find_retail_book(session: AsyncSession, client_id: UUID) -> RetailBook | None:
    """Currency and rules of the client's own retail prices, or of the common ones. With the rater's rights."""
    found = await session.execute(
        text("""
            SELECT currency, rules FROM price_book WHERE tenant_id = :msp AND side = 'retail'
               AND (client_id IS NULL OR client_id = :client) ORDER BY client_id IS NULL LIMIT 1
        """),
        {"msp": scope_of(session).msp_id, "client": client_id},
    )
    row = found.one_or_none()
    return None if row is None else RetailBook(row.currency, msgspec.convert(row.rules, BillingRules))


async def load_retail_rules(session: AsyncSession) -> Callable[[UUID], BillingRules]:
    """The rules by which each client of the scope's MSP is billed; the default ones for a client without
    retail prices.
    """
    async with as_rater(session):
        rows = await session.execute(
            text("SELECT client_id, rules FROM price_book WHERE tenant_id = :msp AND side = 'retail'"),
            {"msp": scope_of(session).msp_id},
        )
        found = {row.client_id: msgspec.convert(row.rules, BillingRules) for row in rows}
    common = found.get(None, BillingRules())
    return lambda client_id: found.get(client_id, common)
