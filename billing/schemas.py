"""Billing data of pages and the API. Amounts are integer minor units of `currency`."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from billing.line_kinds import LineKind
from billing.payments.schemas import InvoiceCollection
from billing.price_books.pricing import Terms
from billing.pricing.tiers import PriceTier
from billing.sides import Side
from billing.snapshot import InvoiceSnapshot
from billing.states import PaymentKind
from billing.tax_service.schemas import TaxCalculationView
from billing.wallets.states import BALANCE


class InvoiceSummary(msgspec.Struct, frozen=True):
    """An invoice. `client_id` is the buyer; the MSP itself on its wholesale invoice. `total_minor` is before tax;
    `gross_minor`, with tax, is 0 until the invoice is finalised; `refunded_minor` was paid back; `is_disputed`: the
    payer's bank holds a part of its payments.
    """

    id: UUID
    msp_id: UUID
    side: Side
    client_id: UUID
    period_start: datetime
    period_end: datetime
    currency: str
    state: str
    total_minor: int
    content_hash: str
    updated_at: datetime
    number: str | None = None
    due_on: date | None = None
    tax_minor: int = 0
    gross_minor: int = 0
    paid_minor: int = 0
    credited_minor: int = 0
    dunning_level: int = 0
    refunded_minor: int = 0
    is_disputed: bool = False

    @property
    def balance_minor(self) -> int:
        """Amount left to pay; negative if overpaid."""
        return self.gross_minor - self.credited_minor - self.paid_minor


class PaymentView(msgspec.Struct, frozen=True):
    """A payment. `recorded_by` is a person's name, or `payment-provider` for payments reported by the provider."""

    id: UUID
    paid_on: date
    amount_minor: int
    method: str
    reference: str
    recorded_at: datetime
    recorded_by: str
    kind: PaymentKind = PaymentKind.PAYMENT


class CreditNoteView(msgspec.Struct, frozen=True):
    """A credit note. `lines` maps line ids to net amounts, if it was made by line. `refunds`: the payment provider pays
    it back.
    """

    id: UUID
    number: str | None
    issued_on: date
    net_minor: int
    tax_minor: int
    gross_minor: int
    lines: dict[str, int]
    reason: str
    created_by: str
    refunds: bool = False


class InvoiceStepView(msgspec.Struct, frozen=True):
    """A step of the invoice's life; `note` is a reason or a reference."""

    at: datetime
    actor: str
    cause: str
    state: str
    amount_minor: int
    note: str


class Line(msgspec.Struct, frozen=True):
    """`service_start` before the invoice's period marks late usage. With `tiers`, `unit_price` is the first tier's.

    A line that is not usage has no meter, but a `product` and a `cause`: the ids and parameters of its origin.
    """

    id: UUID
    kind: LineKind
    client_id: UUID
    meter: str
    product: str
    description: str
    service_start: datetime
    events: int
    quantity: Decimal
    included: Decimal
    unit_price: Decimal
    tiers: Sequence[PriceTier]
    amount_minor: int
    first_at: datetime | None
    last_at: datetime | None
    terms: Terms
    cause: Mapping[str, str]


class LineCell(msgspec.Struct, frozen=True):
    """A line's usage of one cell of a price by dimension: `cell` is its number, or `rest` for all other units."""

    cell: str
    dims: Mapping[str, str]
    unit_price: Decimal
    events: int
    quantity: Decimal
    amount: Decimal


class InvoiceDetail(msgspec.Struct, frozen=True):
    """An invoice with its lines. `document` is the content fixed at finalising: parties, lines and tax; None before,
    and without a number. `collection` is the invoice at the payment provider; None for one that is not collected by it.
    `tax_calculation` is that of a tax service; None with own rates.
    """

    invoice: InvoiceSummary
    lines: Sequence[Line]
    document: InvoiceSnapshot | None = None
    payments: Sequence[PaymentView] = ()
    credit_notes: Sequence[CreditNoteView] = ()
    steps: Sequence[InvoiceStepView] = ()
    collection: InvoiceCollection | None = None
    tax_calculation: TaxCalculationView | None = None

    @property
    def from_balance_minor(self) -> int:
        """Amount paid from the client's credit, less amounts added to the credit."""
        return max(0, sum(one.amount_minor for one in self.payments if one.method == BALANCE))

    def for_payer(self) -> "InvoiceDetail":
        """A copy without the messages of provider and tax service about the MSP's account."""
        collection = None if self.collection is None else self.collection.for_payer()
        return msgspec.structs.replace(self, collection=collection, tax_calculation=None)


class UsageRow(msgspec.Struct, frozen=True):
    id: UUID
    quantity: Decimal
    occurred_at: datetime


class LineDetail(msgspec.Struct, frozen=True):
    """A line with its invoice's id and currency."""

    line: Line
    invoice_id: UUID
    currency: str


class Margin(msgspec.Struct, frozen=True):
    """An MSP's margin on one client's feature; `margin_minor` is None when the sides' currencies differ. Lines that
    are not usage have a `product` instead of a meter.
    """

    client_id: UUID
    meter: str
    kind: LineKind
    product: str
    description: str
    quantity: Decimal
    retail_minor: int
    retail_currency: str | None
    wholesale_minor: int
    wholesale_currency: str | None

    @property
    def margin_minor(self) -> int | None:
        currencies = {self.retail_currency, self.wholesale_currency} - {None}
        return self.retail_minor - self.wholesale_minor if len(currencies) < 2 else None


class SideStates(msgspec.Struct, frozen=True):
    """Counts of one side's events. `waiting` ones have a price and will be rated by the next run, the oldest from
    `oldest_waiting`; `unattributed` ones have no price, the oldest from `oldest_unattributed`.
    """

    waiting: int
    rated: int
    invoiced: int
    unattributed: int
    oldest_unattributed: datetime | None
    oldest_waiting: datetime | None

    def age(self, now: datetime) -> timedelta:
        """Waiting time of the oldest unattributed event."""
        return now - self.oldest_unattributed if self.oldest_unattributed else timedelta(0)


class MeterStates(msgspec.Struct, frozen=True):
    """Counts of one meter's events: accepted = waiting + rated + invoiced + unattributed, on each side.

    `retail_only` and `wholesale_only` count events on a line of one side only.
    """

    client_id: UUID
    meter: str
    accepted: int
    retail: SideStates
    wholesale: SideStates
    retail_only: int
    wholesale_only: int


class Reconciliation(msgspec.Struct, frozen=True):
    meters: Sequence[MeterStates]

    @property
    def holds(self) -> bool:
        """Whether both sides have exactly the same events on their lines."""
        return all(meter.retail_only == meter.wholesale_only == 0 for meter in self.meters)

    @property
    def accepted(self) -> int:
        return sum(meter.accepted for meter in self.meters)

    @property
    def waiting(self) -> int:
        """Events still unrated on at least one side."""
        return sum(max(meter.retail.waiting, meter.wholesale.waiting) for meter in self.meters)

    @property
    def status(self) -> str:
        """Empty | unpriced | waiting | complete | differs. Complete: each event is on a line of both sides."""
        if not self.accepted:
            return "empty"
        if self.unattributed:
            return "unpriced"
        if self.waiting:
            return "waiting"
        return "complete" if self.holds else "differs"

    @property
    def unattributed(self) -> int:
        return sum(meter.retail.unattributed + meter.wholesale.unattributed for meter in self.meters)
