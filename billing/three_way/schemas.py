"""Structs of the three-way check for pages, commands and the API. Amounts are exact, in major units."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec

from billing.vendor_bills.schemas import MappingState
from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.web.requests import RequestBody


class DifferenceKind(LabelledCode):
    LEAKAGE = "leakage", N_("Delivered, not billed")
    GHOST = "ghost", N_("Billed beyond usage")
    VENDOR_OVER = "vendor_over", N_("Vendor billed more than is in use")
    VENDOR_UNDER = "vendor_under", N_("Vendor billed less than is in use")


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted difference. `is_current`: its quantities equal the present ones."""

    reason: str
    explained_at: datetime
    explained_by: str
    vendor_quantity: Decimal | None
    used_quantity: Decimal | None
    billed_quantity: Decimal
    is_current: bool = False


class ThreeWayDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One client's product. `delivered` is the quantity in use, or billed by the vendor where use is not measured.

    `difference` is delivered less billed: positive for leakage, negative for units billed beyond use. `amount` is its
    price, or at cost (`at_cost`) without one; null if neither is known. `vendor_difference` is billed by the vendor
    less in use, null unless both are known, and `vendor_amount` its cost.
    """

    client_id: UUID
    product: str
    vendor_quantity: Decimal | None
    used_quantity: Decimal | None
    billed_quantity: Decimal
    delivered: Decimal
    difference: Decimal
    amount: Decimal | None
    currency: str
    at_cost: bool
    vendor_difference: Decimal | None
    vendor_amount: Decimal | None
    vendor_currency: str
    on_draft: bool
    kinds: Sequence[DifferenceKind]
    explanation: Explanation | None = None

    @property
    def is_explained(self) -> bool:
        return self.explanation is not None and self.explanation.is_current


class CheckTotal(msgspec.Struct, frozen=True, kw_only=True):
    """Sums of one currency. `leakage` was delivered and not billed, `ghost` billed beyond use (negative), and
    `vendor_over` billed by vendors beyond use.
    """

    currency: str
    leakage: Decimal
    ghost: Decimal
    vendor_over: Decimal


class LeftOut(msgspec.Struct, frozen=True):
    """Rows of vendor bills that are not compared: `mapping` is unmapped or ignored."""

    mapping: MappingState
    currency: str
    lines: int
    amount: Decimal


class ThreeWayCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The differences of a month, those with the most money first. `totals` are of open ones, `explained_totals` of
    those that are explained. `unknown`: open differences without a price or a cost.
    """

    month: str
    compared: int
    items: Sequence[ThreeWayDifference]
    totals: Sequence[CheckTotal]
    explained_totals: Sequence[CheckTotal]
    unknown: int
    left_out: Sequence[LeftOut]


class ExplanationInput(RequestBody, frozen=True, kw_only=True):
    """Reason for accepting the difference of a client (its short name) and product in a month."""

    month: Annotated[str, msgspec.Meta(max_length=20)]
    client: Annotated[str, msgspec.Meta(max_length=63)]
    product: Annotated[str, msgspec.Meta(max_length=200)]
    reason: Annotated[str, msgspec.Meta(max_length=500)]


class Explained(msgspec.Struct, frozen=True):
    id: UUID


class VendorRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a vendor's bill; `units` is its quantity in units of the meter."""

    bill_id: UUID
    vendor: str
    number: str
    line: str
    description: str
    quantity: Decimal
    units: Decimal
    amount: Decimal
    currency: str


class BilledRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an invoice of the client."""

    invoice_id: UUID
    line_id: UUID
    number: str
    state: str
    description: str
    quantity: Decimal
    amount: Decimal
    currency: str


class DifferenceDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A client's product in a month, down to the rows; `difference` is null if the three agree."""

    month: str
    client_id: UUID
    product: str
    difference: ThreeWayDifference | None
    vendor_rows: Sequence[VendorRow]
    billed_rows: Sequence[BilledRow]
    explanations: Sequence[Explanation]
