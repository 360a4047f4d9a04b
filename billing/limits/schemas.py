"""Structs of limits and reservations. Quantities are exact decimals; amounts integer minor units of `currency`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

import msgspec

from billing.limits.states import ReservationState
from foundation.web.requests import RequestBody

SPEND: Final = "spend"
"""In place of a meter: the cost of the month."""
MOST_METERS: Final = 20
MOST_SECONDS: Final = 86_400
_Meter = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Quantities = Annotated[dict[_Meter, Decimal], msgspec.Meta(min_length=1, max_length=MOST_METERS)]


class LimitInput(RequestBody, frozen=True, kw_only=True):
    """Limits of a meter in a month, or of `spend`, the month's cost before tax in minor units of the client's currency.

    `is_on`: whether the meter may be used at all. `included`: the plan's allowance, for display. Notices are given at
    80 and 100 per cent of `soft_limit` and `hard_limit`; beyond the hard limit further use is refused. Until
    `override_until`, `override_limit` replaces the hard limit (none: no limit); it needs a reason. Limits that are not
    given do not apply.
    """

    meter: _Meter
    is_on: bool = True
    included: Decimal | None = None
    soft_limit: Decimal | None = None
    hard_limit: Decimal | None = None
    override_until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    override_limit: Decimal | None = None
    override_reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class BudgetView(msgspec.Struct, frozen=True, kw_only=True):
    """A limit with this month's use. `hard_limit` is the one in force now; None for none. `left` is the rest of it.
    `forecast` is the use at the end of the month at the pace so far.
    """

    meter: str
    is_on: bool
    included: Decimal | None
    soft_limit: Decimal | None
    hard_limit: Decimal | None
    used: Decimal
    reserved: Decimal
    forecast: Decimal
    override_until: datetime | None
    override_reason: str
    changed_at: datetime | None
    changed_by: str

    @property
    def left(self) -> Decimal | None:
        return None if self.hard_limit is None else max(Decimal(0), self.hard_limit - self.used - self.reserved)


class Budgets(msgspec.Struct, frozen=True):
    """Limits of a client. `month` is the current one, `resets_at` its end; `currency` is that of amounts."""

    month: str
    resets_at: datetime
    currency: str | None
    items: Sequence[BudgetView]


class ReservationInput(RequestBody, frozen=True, kw_only=True):
    """Use to reserve: the largest `quantities` expected, by meter. `key` makes the request idempotent. The reservation
    expires after `seconds`.
    """

    key: _Key
    quantities: _Quantities
    seconds: Annotated[int, msgspec.Meta(ge=1, le=MOST_SECONDS)] = 600


class SettlementInput(RequestBody, frozen=True, kw_only=True):
    """Actual quantities by meter of the reservation; 0 for a meter that is not named."""

    key: _Key
    quantities: Annotated[dict[_Meter, Decimal], msgspec.Meta(max_length=MOST_METERS)]


class ReleaseInput(RequestBody, frozen=True):
    key: _Key


class ReservationView(msgspec.Struct, frozen=True):
    """A reservation. `amount_minor`: its cost before tax; None unless all its meters have a price."""

    id: UUID
    key: str
    state: ReservationState
    quantities: Mapping[str, Decimal]
    settled: Mapping[str, Decimal]
    amount_minor: int | None
    expires_at: datetime
