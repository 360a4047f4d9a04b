"""Short functions for plans and subscriptions in tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from billing.plans.terms import PlanCopy, PlanTerms
from billing.pricing.periods import local_instant
from billing.pricing.rules import BillingRules
from billing.subscriptions.charges import DueFee, fees_of
from billing.subscriptions.states import StepKind
from billing.subscriptions.timeline import Subscribed, TimelineStep, local_of

RULES = BillingRules()


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)  # type: ignore[misc, arg-type]


def plan(fee: str, code: str = "basic", **terms: Any) -> PlanCopy:
    return PlanCopy(uuid5(NAMESPACE_OID, code), code, code.title(), 1, "EUR", PlanTerms(fee=Decimal(fee), **terms))


def step(number: int, kind: StepKind, moment: datetime, **values: Any) -> TimelineStep:
    return TimelineStep(id=UUID(int=number), number=number, kind=kind, at=moment, **values)


def midnight(instant: datetime, zone: str) -> datetime:
    """Start of the local day that contains `instant`."""
    return local_instant(datetime.combine(local_of(instant, zone), time()), zone)


def change(number: int, moment: datetime, to: PlanCopy | None = None, quantity: int | None = None) -> TimelineStep:
    return step(number, StepKind.CHANGE, moment, plan=to, quantity=quantity)


def subscribed(
    start: datetime, to: PlanCopy, *steps: TimelineStep, zone: str = "UTC", calendar: bool = True, quantity: int = 1
) -> Subscribed:
    return Subscribed(
        id=UUID(int=9), zone=zone, calendar=calendar, starts_at=midnight(start, zone), plan=to, quantity=quantity,
        steps=steps,
    )  # fmt: skip


def charged(one: Subscribed, until: datetime, rules: BillingRules = RULES) -> Sequence[tuple[str, str, int]]:
    """Day, kind and amount of each fee."""
    return [(f"{fee.due:%m-%d}", fee.kind.value, fee.amount_minor) for fee in fees_of(one, until, rules)]


def total(fees: Sequence[DueFee]) -> int:
    return sum(fee.amount_minor for fee in fees)
