"""Parties of invoices in the API."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec

from billing.legal_entities.tax import USUAL_TAX_CODE, TaxCategory, TaxSourceKind, VatCheckKind
from foundation.web.requests import RequestBody

Text = Annotated[str, msgspec.Meta(max_length=120)]


class LegalEntityInput(RequestBody, frozen=True, kw_only=True):
    """Issuer of the invoices. `country` is an ISO 3166 code; `language` that of invoices to buyers without one;
    `time_zone` a place such as Europe/Berlin, by whose calendar invoices are issued, due and paid.

    Invoices are due `payment_days` after their issue, reminders are sent `dunning_days` after the due day, and a draft
    stays open for `grace_days` after its period. Numbers: `{year}`, `{month}` and `{number:5}` are filled in.

    `tax_source`: own (the tax rates here) or stripe (Stripe Tax, in the payment account), which classifies the service
    by its `tax_code`.

    `vat_check`: vies checks buyers' VAT ids in VIES; reverse charge then needs a valid result of the last
    `vat_check_days`.
    """

    name: Text
    street: Text
    postcode: Annotated[str, msgspec.Meta(max_length=20)]
    city: Text
    country: Annotated[str, msgspec.Meta(max_length=2)]
    vat_id: Annotated[str, msgspec.Meta(max_length=30)] = ""
    tax_number: Annotated[str, msgspec.Meta(max_length=30)] = ""
    email: Annotated[str, msgspec.Meta(max_length=254)] = ""
    iban: Annotated[str, msgspec.Meta(max_length=50)] = ""
    bic: Annotated[str, msgspec.Meta(max_length=11)] = ""
    language: Annotated[str, msgspec.Meta(max_length=2)] = "en"
    time_zone: Annotated[str, msgspec.Meta(max_length=60)] = "UTC"
    payment_days: Annotated[int, msgspec.Meta(ge=0, le=180)] = 14
    grace_days: Annotated[int, msgspec.Meta(ge=0, le=31)] = 3
    dunning_days: Annotated[Sequence[int], msgspec.Meta(max_length=6)] = (7, 14, 28)
    number_format: Annotated[str, msgspec.Meta(max_length=40)] = "INV-{year}-{number:5}"
    credit_note_format: Annotated[str, msgspec.Meta(max_length=40)] = "CN-{year}-{number:5}"
    tax_source: TaxSourceKind = TaxSourceKind.OWN
    tax_code: Annotated[str, msgspec.Meta(max_length=20)] = USUAL_TAX_CODE
    vat_check: VatCheckKind = VatCheckKind.OFF
    vat_check_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 30


class LegalEntityView(msgspec.Struct, frozen=True, kw_only=True):
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
    language: str
    time_zone: str
    payment_days: int
    grace_days: int
    dunning_days: Sequence[int]
    number_format: str
    credit_note_format: str
    tax_source: TaxSourceKind
    tax_code: str
    vat_check: VatCheckKind
    vat_check_days: int
    updated_at: datetime


class TaxRateInput(RequestBody, frozen=True, kw_only=True):
    """The rate of domestic invoices from `valid_from` on. `category`: S (standard), Z (zero) or E (exempt).

    `reason`: the VATEX code of an exemption, such as VATEX-EU-O.
    """

    percent: Annotated[Decimal, msgspec.Meta(description="0 to 100, at most three decimals.")]
    category: TaxCategory = TaxCategory.STANDARD
    reason: Annotated[str, msgspec.Meta(max_length=40)] = ""
    valid_from: date


class TaxRateView(msgspec.Struct, frozen=True):
    valid_from: date
    category: str
    percent: Decimal
    reason: str


class Issuer(msgspec.Struct, frozen=True):
    """A legal entity with its tax rates, the newest first."""

    entity: LegalEntityView
    rates: Sequence[TaxRateView]


class BillingDetailsInput(RequestBody, frozen=True, kw_only=True):
    """The buyer as invoices name it. `payer` is the short name of the client that pays for this one; only its MSP sets
    it. Without it the payer stays as it is, and an empty one removes it.
    """

    name: Text
    street: Text
    postcode: Annotated[str, msgspec.Meta(max_length=20)]
    city: Text
    country: Annotated[str, msgspec.Meta(max_length=2)]
    vat_id: Annotated[str, msgspec.Meta(max_length=30)] = ""
    po_number: Annotated[str, msgspec.Meta(max_length=60)] = ""
    email: Annotated[str, msgspec.Meta(max_length=254)] = ""
    payer: Annotated[str, msgspec.Meta(max_length=63)] | None = None


class BillingDetailsView(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    street: str
    postcode: str
    city: str
    country: str
    vat_id: str
    po_number: str
    email: str
    payer_id: UUID | None
    updated_at: datetime
