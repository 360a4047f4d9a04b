"""Structs of subscriptions for the API, pages and commands."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from billing.line_kinds import LineKind
from billing.plans.schemas import Code
from billing.plans.terms import PlanCopy
from billing.subscriptions.states import StepKind, SubscriptionState
from foundation.web.requests import RequestBody

Quantity = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
AddOns = Annotated[Mapping[Code, Quantity], msgspec.Meta(max_length=20)]
Reason = Annotated[str, msgspec.Meta(max_length=500)]


class SubscriptionInput(RequestBody, frozen=True, kw_only=True):
    """A subscription to the plan with the code `plan`, in its version at the start or the one given. `starts_on`: today
    in the client's time zone if not given; a day in the past is billed from then on. `calendar`: periods begin with
    the calendar's months, quarters or years, else on the day that billing begins.
    """

    plan: Code
    version: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    quantity: Quantity = 1
    add_ons: AddOns = msgspec.field(default_factory=dict)
    starts_on: date | None = None
    calendar: bool = True
    reason: Reason = ""


class StepInput(RequestBody, frozen=True, kw_only=True):
    """A step of a subscription: change, pause, resume or cancel. `when`: now or period_end; without it and `at`, a
    cancellation and a change that lowers the price wait for the period's end. `at` may lie in the past. `credits`: a
    cancellation before the period's end credits the rest.
    """

    kind: StepKind
    plan: Code | None = None
    version: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    quantity: Quantity | None = None
    add_ons: AddOns | None = None
    when: Literal["now", "period_end"] | None = None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    credits: bool = True
    reason: Reason = ""


class UndoInput(RequestBody, frozen=True):
    reason: Reason = ""


class ExpectedLine(msgspec.Struct, frozen=True):
    """A line that an act makes, changes or takes away. `month`: start of the month whose invoice has it."""

    month: datetime
    kind: LineKind
    name: str
    service_from: datetime
    service_until: datetime
    amount_minor: int


class ChargePreview(msgspec.Struct, frozen=True):
    """Charges of an act until the end of the period it changes, beyond those due without it. Lines of the kinds minimum
    and commitment are the shortfall without usage.
    """

    takes_effect_at: datetime
    currency: str
    lines: Sequence[ExpectedLine]

    @property
    def total_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)


class NextCharge(msgspec.Struct, frozen=True):
    due: datetime
    amount_minor: int


class SubscriptionStepView(msgspec.Struct, frozen=True):
    """A step, or with `kind` None the start. `can_undo`: the step is in the future."""

    id: UUID
    kind: StepKind | None
    takes_effect_at: datetime
    plan: str
    quantity: int | None
    add_ons: Mapping[str, int] | None
    credits: bool
    reason: str
    recorded_at: datetime
    recorded_by: str
    undone_at: datetime | None
    undone_by: str | None
    can_undo: bool


class SubscriptionView(msgspec.Struct, frozen=True):
    """A subscription now. `next_charge`: the sum of the next due fees, without usage and tax."""

    id: UUID
    client_id: UUID
    plan: PlanCopy
    quantity: int
    add_ons: Mapping[str, int]
    state: SubscriptionState
    calendar: bool
    zone: str
    starts_at: datetime
    trial_ends_at: datetime | None
    ends_at: datetime | None
    period_start: datetime | None
    period_end: datetime | None
    next_charge: NextCharge | None
    steps: Sequence[SubscriptionStepView]

    @property
    def currency(self) -> str:
        return self.plan.currency
