"""Packs of units in the API and on pages. Amounts are integer minor units, before tax."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec

from billing.packs.states import PackEnd, PackEntryKind
from foundation.web.requests import RequestBody

Reason = Annotated[str, msgspec.Meta(max_length=500)]
_NOTHING = Decimal(0)


class UnitPackInput(RequestBody, frozen=True, kw_only=True):
    """A pack to sell. `months`: number of months of service, from `first_month` (such as 2026-03; the current one if
    not given); without it the units do not expire. Up to `rollover_units` of the rest go to a new pack for as many
    months. `low_units`: members are notified once when no more than these are left. The client can read the reason.
    """

    name: Annotated[str, msgspec.Meta(max_length=120)]
    meter: Annotated[str, msgspec.Meta(max_length=80)]
    units: Decimal
    price_minor: Annotated[int, msgspec.Meta(ge=0, le=10**15)]
    first_month: Annotated[str, msgspec.Meta(max_length=7)] = ""
    months: Annotated[int, msgspec.Meta(ge=1, le=120)] | None = None
    rollover_units: Decimal = _NOTHING
    low_units: Decimal = _NOTHING
    priority: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 100
    reason: Reason


class PackWithdrawal(RequestBody, frozen=True):
    reason: Reason


class PackEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a pack. `is_draft`: provisional, from a draft. `number`: the invoice's, if it has one."""

    kind: PackEntryKind
    quantity: Decimal
    at: datetime | None
    invoice_id: UUID | None = None
    number: str | None = None
    is_draft: bool = False
    note: str = ""


class UnitPackView(msgspec.Struct, frozen=True, kw_only=True):
    """A pack with its entries. `left`: after the draws of invoices and drafts."""

    id: UUID
    name: str
    meter: str
    units: Decimal
    left: Decimal
    price_minor: int
    currency: str
    first_month: date
    last_month: date | None
    priority: int
    rollover_units: Decimal
    low_units: Decimal
    rolled_from: UUID | None
    reason: str
    sold_at: datetime
    sold_by: str
    ended_as: PackEnd | None
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    entries: Sequence[PackEntry] = ()


class UnitPacks(msgspec.Struct, frozen=True):
    """A client's packs in the order of use, ended ones last."""

    packs: Sequence[UnitPackView]
