"""Template views: amounts as money, members' names for ids, labels for states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from billing.line_kinds import CAUSE_LABELS, LineKind, describe_line
from billing.price_books.cells import write_dims
from billing.price_books.wording import write_amount, write_limits, write_price, write_tiers
from billing.schemas import InvoiceSummary, Line, LineCell, Margin, Reconciliation, SideStates
from billing.sides import Side
from billing.states import DISPUTED, LABELS, OPEN, PARTLY_REFUNDED, REFUNDED, InvoiceState
from branding.formats import format_month
from canonical.money import Money
from foundation.i18n.localizer import current_localizer, translate
from foundation.usage.meters import Meters


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """`buyer` is the client's name, or the MSP's own for wholesale."""

    invoice: InvoiceSummary
    buyer: str

    @property
    def total(self) -> Money:
        return Money(self.invoice.total_minor, self.invoice.currency)

    @property
    def is_wholesale(self) -> bool:
        return self.invoice.side is Side.WHOLESALE

    @property
    def month(self) -> str:
        return format_month(self.invoice.period_start.astimezone(UTC))

    @property
    def title(self) -> str:
        return f"{self.buyer}, {self.month}" if self.buyer else self.month

    @property
    def state(self) -> tuple[str, str]:
        """Label, to be translated, and kind of the badge."""
        state = InvoiceState(self.invoice.state)
        if self.invoice.is_disputed:
            return DISPUTED
        if state is InvoiceState.PAID and self.invoice.refunded_minor > 0:
            return PARTLY_REFUNDED if self.invoice.paid_minor > 0 else REFUNDED
        return LABELS[state]

    @property
    def is_open(self) -> bool:
        return self.invoice.state in OPEN

    @property
    def is_credit(self) -> bool:
        """Whether the invoice is finalised with a negative total."""
        return self.invoice.gross_minor < 0

    @property
    def gross(self) -> Money:
        return Money(self.invoice.gross_minor, self.invoice.currency)

    @property
    def balance(self) -> Money:
        return Money(self.invoice.balance_minor, self.invoice.currency)

    @property
    def to_give_back(self) -> Money | None:
        """Overpaid or over-credited amount, or that of a credit note; None if there is none."""
        left = self.invoice.balance_minor
        return Money(-left, self.invoice.currency) if left < 0 and self.invoice.state != InvoiceState.VOID else None

    def money(self, minor: int) -> Money:
        """An amount in minor units of the invoice's currency."""
        return Money(minor, self.invoice.currency)

    @property
    def is_whole(self) -> bool:
        """Whether the invoice is the MSP's total, with lines of several clients."""
        return self.invoice.client_id == self.invoice.msp_id


@dataclass(frozen=True, slots=True)
class LineView:
    """`quantity` and `included` are in the meter's unit."""

    line: Line
    invoice: InvoiceSummary
    client: str
    quantity: str
    included: str

    @property
    def amount(self) -> Money:
        return Money(self.line.amount_minor, self.invoice.currency)

    @property
    def name(self) -> str:
        """The line's text as on the document, in the reader's language."""
        return describe_line(self.line.kind, self.line.description, current_localizer(), self.line.cause)

    @property
    def cause(self) -> Sequence[tuple[str, str]]:
        """(label, value) of the origin of a line that is not usage, in the reader's language."""
        known = ((CAUSE_LABELS.get(name), value) for name, value in self.line.cause.items())
        return [(translate(label), value) for label, value in known if label]

    @property
    def breaches(self) -> Sequence[str]:
        """Ids of the changes whose late deliveries a service credit is for."""
        if self.line.kind is not LineKind.SLA_CREDIT:
            return []
        return list(dict.fromkeys(one.partition("/")[0] for one in self.line.cause.get("breaches", "").split()))

    @property
    def is_usage(self) -> bool:
        return self.line.kind is LineKind.USAGE

    @property
    def price(self) -> str:
        return write_price(self.line.terms, self.invoice.currency)

    @property
    def limits(self) -> str:
        return write_limits(self.line.terms, self.invoice.currency)

    @property
    def kind(self) -> str:
        """Label of the kind of price, to be translated."""
        return self.line.terms.kind.label

    @property
    def tiers(self) -> Sequence[tuple[str, str, str]]:
        """As `write_tiers`; the price is that of a block in a price of blocks."""
        return write_tiers(self.line.terms, self.invoice.currency)

    @property
    def is_late(self) -> bool:
        return self.is_usage and self.line.service_start < self.invoice.period_start


@dataclass(frozen=True, slots=True)
class CellView:
    """A line's usage of one cell of its price; `quantity` is in the meter's unit, and `href` leads to its events."""

    found: LineCell
    quantity: str
    currency: str
    href: str

    @property
    def label(self) -> str:
        return write_dims(self.found.dims) or translate("all others")

    @property
    def price(self) -> str:
        return write_amount(self.found.unit_price, self.currency)

    @property
    def amount(self) -> str:
        return write_amount(self.found.amount, self.currency)


def line_view(line: Line, invoice: InvoiceSummary, client: str, meters: Meters) -> LineView:
    quantity, included = (meters.write_quantity(line.meter, number) for number in (line.quantity, line.included))
    return LineView(line, invoice, client, quantity, included)


@dataclass(frozen=True, slots=True)
class MarginView:
    """`quantity` is in the meter's unit."""

    margin: Margin
    client: str
    quantity: str

    @property
    def name(self) -> str:
        return describe_line(self.margin.kind, self.margin.description, current_localizer())

    @property
    def retail(self) -> Money | None:
        currency = self.margin.retail_currency
        return Money(self.margin.retail_minor, currency) if currency else None

    @property
    def wholesale(self) -> Money | None:
        currency = self.margin.wholesale_currency
        return Money(self.margin.wholesale_minor, currency) if currency else None

    @property
    def kept(self) -> Money | None:
        """The MSP's margin; None when the sides' currencies differ."""
        kept = self.margin.margin_minor
        currency = self.margin.retail_currency or self.margin.wholesale_currency
        return None if kept is None or currency is None else Money(kept, currency)

    @property
    def part(self) -> float | None:
        """Share of the retail amount."""
        kept = self.margin.margin_minor
        return kept / self.margin.retail_minor if kept is not None and self.margin.retail_minor else None


@dataclass(frozen=True, slots=True)
class MeterRow:
    """One meter of one client on one side."""

    client: str
    label: str
    side: str
    accepted: int
    states: SideStates
    age: timedelta


def meter_rows(result: Reconciliation, names: Mapping[UUID, str], meters: Meters, now: datetime) -> list[MeterRow]:
    return [
        MeterRow(
            client=names.get(meter.client_id, ""), label=meters.label_of(meter.meter), side=side.value,
            accepted=meter.accepted, states=states, age=states.age(now),
        )
        for meter in result.meters
        for side, states in ((Side.RETAIL, meter.retail), (Side.WHOLESALE, meter.wholesale))
    ]  # fmt: skip
