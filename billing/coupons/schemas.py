"""Coupons in the API and on pages. Amounts are integer minor units."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec

from billing.coupons.terms import CouponDuration, CouponTerms
from foundation.web.requests import RequestBody

Code = Annotated[str, msgspec.Meta(max_length=40, description="Capital letters, digits, - and _, such as SPRING-26.")]
Reason = Annotated[str, msgspec.Meta(max_length=500)]


class CouponInput(RequestBody, frozen=True, kw_only=True):
    """A coupon with either `percent`, or `amount_minor` and `currency`. `duration`: `once`, `months` (on a number of
    invoices, `months`) or `forever`. An amount that is not `recurring` is spread over invoices until it is used up.

    `only`: codes of products and meters, empty for all. `valid_until` is the last day of service.
    """

    code: Code
    name: Annotated[str, msgspec.Meta(max_length=120)]
    percent: Annotated[Decimal, msgspec.Meta(description="Above 0 to 100, at most three decimals.")] | None = None
    amount_minor: Annotated[int, msgspec.Meta(ge=1, le=10**15)] | None = None
    currency: Annotated[str, msgspec.Meta(max_length=3)] | None = None
    duration: CouponDuration = CouponDuration.ONCE
    months: Annotated[int, msgspec.Meta(ge=1, le=120)] | None = None
    recurring: bool = False
    only: Annotated[
        Sequence[Annotated[str, msgspec.Meta(min_length=1, max_length=80)]], msgspec.Meta(max_length=50)
    ] = ()
    valid_from: date | None = None
    valid_until: date | None = None
    max_clients: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None


class CouponCode(RequestBody, frozen=True):
    code: Code


class CouponCreated(msgspec.Struct, frozen=True):
    code: str


class CouponView(CouponTerms, frozen=True, kw_only=True):
    """A coupon. `clients`: the number that have or had it."""

    id: UUID
    code: str
    name: str
    valid_from: date
    max_clients: int | None
    clients: int
    created_at: datetime
    created_by: str
    retired_at: datetime | None


class GiveCouponInput(RequestBody, frozen=True):
    """`from_month`: the first discounted month of service, such as 2026-03; the current one if not given. The client
    can read the reason.
    """

    code: Code
    reason: Reason
    from_month: Annotated[str, msgspec.Meta(max_length=7)] = ""


class EndCouponInput(RequestBody, frozen=True):
    code: Code
    reason: Reason


class CouponUse(msgspec.Struct, frozen=True):
    """Discount on an invoice; provisional with `is_draft`. `number`: the invoice's, if it has one."""

    invoice_id: UUID
    month: date
    number: str | None
    is_draft: bool
    currency: str
    amount_minor: int


class ClientCouponView(CouponTerms, frozen=True, kw_only=True):
    """A client's coupon. `left_minor`: the rest of a non-recurring amount after finalised invoices; None for others."""

    code: str
    name: str
    from_month: date
    reason: str
    given_at: datetime
    given_by: str
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    uses: Sequence[CouponUse] = ()

    @property
    def used_minor(self) -> int:
        return sum(use.amount_minor for use in self.uses if not use.is_draft)

    @property
    def left_minor(self) -> int | None:
        return None if self.amount_minor is None or self.recurring else self.amount_minor - self.used_minor


class ClientCoupons(msgspec.Struct, frozen=True):
    coupons: Sequence[ClientCouponView]
