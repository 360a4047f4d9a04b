"""The fixed content of a finalised invoice: parties, lines and tax as they were, and its hash."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from billing.legal_entities.schemas import BillingDetailsView, Issuer
from billing.legal_entities.tax import VOUCHER, OwnRates, Place, TaxAmount, TaxDetail, TaxRule, TaxSource, tax_amounts
from billing.line_kinds import SUBSCRIBED, LineKind, describe_line
from billing.pricing.rules import BillingRules
from branding.brand import Brand
from foundation.i18n.localizer import Localizer


class Seller(msgspec.Struct, frozen=True):
    name: str
    street: str
    postcode: str
    city: str
    country: str
    vat_id: str
    tax_number: str
    email: str
    iban: str
    bic: str


class Buyer(msgspec.Struct, frozen=True):
    """The paying party. `on_behalf_of`: the client's name, if another company pays for it."""

    name: str
    street: str
    postcode: str
    city: str
    country: str
    vat_id: str
    po_number: str
    email: str
    on_behalf_of: str = ""


class InvoiceBrand(msgspec.Struct, frozen=True):
    """The brand that a document shows. Colours are `#rrggbb`; without a name, the seller's is shown."""

    name: str = ""
    monogram: str = ""
    accent: str = "#475569"
    accent_text: str = "#ffffff"


class SnapshotLine(msgspec.Struct, frozen=True):
    """One line; `quantity` is the charged quantity and `net_minor` its amount in minor units."""

    id: UUID
    product: str
    description: str
    service_from: date
    service_to: date
    quantity: Decimal
    unit_price: Decimal
    net_minor: int
    tax: TaxRule | None = None
    """None: the rule of the invoice."""


class InvoiceSnapshot(msgspec.Struct, frozen=True):
    """An invoice as it was issued, in the buyer's language. All lines but top-ups have one rule of `taxes`.

    With a negative total it is a credit note: more usage was reversed than the month has. Amounts are stored with their
    signs; documents show those of a credit note as positive.
    """

    number: str
    issued_on: date
    due_on: date
    language: str
    currency: str
    period_start: date
    period_end: date
    seller: Seller
    buyer: Buyer
    lines: Sequence[SnapshotLine]
    taxes: Sequence[TaxAmount]
    brand: InvoiceBrand = InvoiceBrand()
    rules: BillingRules | None = None
    """Rules of the lines' prices, as differences from the default ones; None for invoices without them."""
    is_subscribed: bool = False
    """Whether a line is for a subscription."""
    time_zone: str = "UTC"
    """Time zone of the day of issue and the due day."""
    preceding_number: str = ""
    """For a credit note: the number of the credited invoice, issued on `preceding_on`."""
    preceding_on: date | None = None
    tax_details: Sequence[TaxDetail] = ()
    """Tax of each jurisdiction as a tax service calculated it; empty with own rates."""
    tax_calculation: str = ""
    """Id of that calculation at the service."""

    @property
    def rule(self) -> TaxRule:
        """The rule of lines without one of their own."""
        return next((tax.rule for tax in self.taxes if tax.rule != VOUCHER), self.taxes[0].rule)

    def rule_of(self, line: SnapshotLine) -> TaxRule:
        return line.tax or self.rule

    @property
    def net_minor(self) -> int:
        return sum(line.net_minor for line in self.lines)

    @property
    def is_credit(self) -> bool:
        return self.net_minor < 0

    @property
    def tax_minor(self) -> int:
        return sum(tax.tax_minor for tax in self.taxes)


def seller_of(issuer: Issuer) -> Seller:
    return Seller(**{name: getattr(issuer.entity, name) for name in Seller.__struct_fields__})


def buyer_of(details: BillingDetailsView, *, on_behalf_of: str = "") -> Buyer:
    known = {name: getattr(details, name) for name in Buyer.__struct_fields__ if name != "on_behalf_of"}
    return Buyer(**known, on_behalf_of=on_behalf_of)


def brand_of(brand: Brand) -> InvoiceBrand:
    theme = brand.theme
    return InvoiceBrand(theme.name, theme.monogram, theme.accent, theme.accent_text)


def taxes_of(domestic: TaxRule, seller: Seller, buyer: Buyer, lines: Sequence[SnapshotLine]) -> Sequence[TaxAmount]:
    source: TaxSource = OwnRates(domestic)
    rule = source.decide(Place(seller.country, seller.vat_id), Place(buyer.country, buyer.vat_id))
    return tax_amounts([(line.tax or rule, line.net_minor) for line in lines] or [(rule, 0)])


def encode_snapshot(snapshot: InvoiceSnapshot) -> tuple[str, str]:
    """JSON and its SHA-256 in hexadecimal."""
    encoded = msgspec.json.encode(snapshot)
    return encoded.decode(), hashlib.sha256(encoded).hexdigest()


def decode_snapshot(stored: Any) -> InvoiceSnapshot | None:
    """The stored document; None for an invoice without one."""
    return msgspec.convert(stored, InvoiceSnapshot, strict=False) if stored else None


def line_of(row: Any, texts: Localizer, zone: str) -> SnapshotLine:
    """A line of the invoice's table in the document's language. Fees of subscriptions are for days of the client's
    calendar; months of usage are those of UTC. Without usage the service is on the first day.
    """
    kind = LineKind(row.kind)
    first: datetime = row.first_at or row.service_start
    last: datetime = row.last_at or first
    days = [one.astimezone(ZoneInfo(zone) if kind in SUBSCRIBED else UTC).date() for one in (first, last)]
    return SnapshotLine(
        row.id, row.product or row.meter, describe_line(kind, row.description, texts, row.cause), days[0], days[1],
        row.quantity - row.included, row.unit_price, row.amount_minor,
        VOUCHER if kind is LineKind.TOP_UP else None,
    )  # fmt: skip


def credited_nets(
    document: InvoiceSnapshot, net_minor: int, lines: Mapping[UUID, int], before: Mapping[TaxRule, int]
) -> Mapping[TaxRule, int]:
    """A credit's net amount by rule of tax: that of its lines, else from the highest rate down. `before`: net amounts
    credited already.
    """
    found: dict[TaxRule, int] = {}
    rules = {line.id: document.rule_of(line) for line in document.lines}
    for line_id, minor in lines.items():
        rule = rules.get(line_id, document.rule)
        found[rule] = found.get(rule, 0) + minor
    left = net_minor - sum(found.values())
    for tax in sorted(document.taxes, key=lambda tax: -tax.rule.percent):
        part = max(0, min(left, tax.net_minor - before.get(tax.rule, 0) - found.get(tax.rule, 0)))
        found[tax.rule] = found.get(tax.rule, 0) + part
        left -= part
    found[document.rule] = found.get(document.rule, 0) + left
    return found
