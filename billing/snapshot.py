"""The fixed content of a finalised invoice: parties, lines and tax as they were, and its hash."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from billing.legal_entities.schemas import BillingDetailsView, Issuer
from billing.legal_entities.tax import OwnRates, Place, TaxAmount, TaxRule, TaxSource, tax_amounts
from billing.line_kinds import LineKind, describe_line
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
    """Who pays. `on_behalf_of` names the client if another company pays for it."""

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


class InvoiceSnapshot(msgspec.Struct, frozen=True):
    """An invoice as it was issued, in the buyer's language. All lines have the rule of the one entry of `taxes`.

    With a negative total it is a credit note: more usage was taken back than the month has. Amounts are stored with
    their signs; documents show those of a credit note as what is given back.
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
    return tax_amounts([(rule, line.net_minor) for line in lines] or [(rule, 0)])


def encode_snapshot(snapshot: InvoiceSnapshot) -> tuple[str, str]:
    """JSON and its SHA-256 in hexadecimal."""
    encoded = msgspec.json.encode(snapshot)
    return encoded.decode(), hashlib.sha256(encoded).hexdigest()


def decode_snapshot(stored: Any) -> InvoiceSnapshot | None:
    """The stored document; None for an invoice without one."""
    return msgspec.convert(stored, InvoiceSnapshot, strict=False) if stored else None


def line_of(row: Any, texts: Localizer) -> SnapshotLine:
    """A line of the invoice's table in the document's language. Without usage its service is on the first day."""
    first: datetime = row.first_at or row.service_start
    last: datetime = row.last_at or first
    return SnapshotLine(
        row.id, row.product or row.meter, describe_line(LineKind(row.kind), row.description, texts),
        first.date(), last.date(), row.quantity - row.included, row.unit_price, row.amount_minor,
    )  # fmt: skip
