"""Structs of plans for the API, pages and commands."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec

from billing.plans.terms import AddOn, PlanEntitlement, PlanPhase, PlanTerms, check_terms
from billing.pricing.periods import Interval
from foundation.web.requests import RequestBody

Code = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_-]{0,39}$")]
Text = Annotated[str, msgspec.Meta(max_length=120)]
Count = Annotated[int, msgspec.Meta(ge=1, le=120)]
Most = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]


class PhaseInput(RequestBody, frozen=True):
    cycles: Count
    fee: Decimal = Decimal(0)
    seat_price: Decimal = Decimal(0)


class AddOnInput(RequestBody, frozen=True):
    code: Code
    name: Text
    price: Decimal


class PlanEntitlementInput(RequestBody, frozen=True):
    """A plan's entitlement to a feature, such as connections. See `PlanEntitlement`."""

    feature: Code
    is_on: bool = True
    limit: Most | None = None
    per_seat: Most | None = None
    soft_limit: Most | None = None


class PlanTermsInput(RequestBody, frozen=True, kw_only=True):
    """Terms of a plan, in major units of its currency for one `interval`: month, quarter, half_year or year. See
    `PlanTerms`. `valid_from`: now if not given.
    """

    interval: Interval = Interval.MONTH
    in_advance: bool = True
    fee: Decimal = Decimal(0)
    seat_price: Decimal = Decimal(0)
    seat_name: Text = ""
    setup_fee: Decimal = Decimal(0)
    setup_name: Text = ""
    trial_days: Annotated[int, msgspec.Meta(ge=0, le=730)] = 0
    phases: Annotated[Sequence[PhaseInput], msgspec.Meta(max_length=24)] = ()
    minimum: Decimal | None = None
    commitment: Decimal | None = None
    prorates_true_up: bool = True
    add_ons: Annotated[Sequence[AddOnInput], msgspec.Meta(max_length=20)] = ()
    entitlements: Annotated[Sequence[PlanEntitlementInput], msgspec.Meta(max_length=100)] = ()
    valid_from: Annotated[datetime, msgspec.Meta(tz=True)] | None = None

    @property
    def terms(self) -> PlanTerms:
        """Raises PriceNotAllowed, InvalidInput: as `check_terms`."""
        given = {name: getattr(self, name) for name in PlanTerms.__struct_fields__}
        given["phases"] = tuple(PlanPhase(one.cycles, one.fee, one.seat_price) for one in self.phases)
        given["add_ons"] = tuple(AddOn(one.code, one.name, one.price) for one in self.add_ons)
        given["entitlements"] = tuple(
            PlanEntitlement(**{name: getattr(one, name) for name in PlanEntitlement.__struct_fields__})
            for one in self.entitlements
        )
        return check_terms(PlanTerms(**given))


class PlanInput(PlanTermsInput, frozen=True, kw_only=True):
    """A plan with its first version. `code` names it in the API and in accounting."""

    code: Code
    name: Text
    currency: Annotated[str, msgspec.Meta(min_length=3, max_length=3)]


class PlanVersionView(msgspec.Struct, frozen=True):
    id: UUID
    number: int
    terms: PlanTerms
    valid_from: datetime
    created_at: datetime
    created_by: str


class PlanView(msgspec.Struct, frozen=True):
    """A plan; its `versions` from the newest on. `current` is the number of the one for new subscriptions, if any."""

    id: UUID
    code: str
    name: str
    currency: str
    created_at: datetime
    created_by: str
    retired_at: datetime | None
    current: int | None
    versions: Sequence[PlanVersionView]


class PlanList(msgspec.Struct, frozen=True):
    items: Sequence[PlanView]
