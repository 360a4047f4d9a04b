"""Bodies of the API about finalised invoices. Amounts are in minor units of the invoice's currency."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec

from billing.invoices.settle import InvoiceAct
from foundation.web.requests import RequestBody

Amount = Annotated[int, msgspec.Meta(ge=-1_000_000_000_000, le=1_000_000_000_000)]
Net = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000_000)]
Reason = Annotated[str, msgspec.Meta(max_length=500)]


class InvoiceActInput(RequestBody, frozen=True):
    """`reason` is needed for all acts but sending and reminding."""

    act: InvoiceAct
    reason: Reason = ""


class PaymentInput(RequestBody, frozen=True):
    """A payment on a day that is not in the future, by the calendar of the invoice's legal entity."""

    paid_on: date
    amount_minor: Amount
    reference: Annotated[str, msgspec.Meta(max_length=200)] = ""


class CreditLine(RequestBody, frozen=True):
    line_id: UUID
    net_minor: Net


class CreditInput(RequestBody, frozen=True):
    """`lines`, or `net_minor`, or neither for all that is left."""

    reason: Reason
    net_minor: Net | None = None
    lines: Annotated[Sequence[CreditLine], msgspec.Meta(max_length=200)] = ()
