"""Fees: lines of a draft that are not usage. Slices declare sources; `billing.invoices.fees` writes the lines."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.line_kinds import LineKind
from billing.periods import Period
from billing.sides import Side


class Fee(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the draft. `key` identifies it within the invoice and its kind: the same key is the same line.

    `name` is the seller's own text for it. `product` is the code for accounting systems. Service is from `service_from`
    until `service_until`, which is not included. `unit_price` is never negative: a credit has a negative quantity and
    amount. `cause` has the ids and parameters of the line's origin, and is part of the invoice's hash.
    """

    key: str
    kind: LineKind
    name: str
    product: str
    service_from: datetime
    service_until: datetime
    quantity: Decimal = Decimal(1)
    unit_price: Decimal
    amount_minor: int
    cause: Mapping[str, str]


class FeeContext(msgspec.Struct, frozen=True):
    """The draft to compute fees for. The session is in the client's scope, with the rater's rights."""

    invoice_id: UUID
    client_id: UUID
    side: Side
    period: Period
    currency: str


class ChargedLine(msgspec.Struct, frozen=True):
    """A line charged before a source is called: of usage, or of an earlier source. `product` is the meter of usage."""

    id: UUID
    kind: LineKind
    product: str
    amount_minor: int
    service_from: datetime | None = None
    """Start of a fee's service, which ends before `service_until`; of usage, the start of its month."""
    service_until: datetime | None = None
    cause: Mapping[str, str] = msgspec.field(default_factory=dict)


FeeSource = Callable[[AsyncSession, FeeContext, Sequence[ChargedLine]], Awaitable[Sequence[Fee]]]
"""The fees of a draft, always the same for the same rows. Those in another currency than the draft's are left out."""
