"""The invoice as PDF/A-3 with the e-invoice inside (Factur-X), in the language of the document."""

from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from billing.documents.cii import write_cii
from billing.legal_entities.tax import TaxCategory
from billing.snapshot import Buyer, InvoiceSnapshot, Seller
from canonical.money import stored_exponent
from foundation.i18n.localizer import Localizer
from foundation.i18n.negotiation import localizer_of
from foundation.marks import N_

_TEMPLATE: Final = Path(__file__).with_name("invoice.typ")
_ACCENT: Final = "#1f5fbf"
_NOTES: Final = {
    TaxCategory.REVERSE_CHARGE: N_("Reverse charge: the buyer owes the tax."),
    TaxCategory.EXPORT: N_("Service to a buyer outside the EU: no tax is charged."),
    TaxCategory.EXEMPT: N_("Exempt from tax."),
}


def write_pdf(document: InvoiceSnapshot) -> bytes:
    """The PDF; the same document gives the same text and XML. Takes about half a second of computing time."""
    import facturx  # noqa: PLC0415 - half a second, and few processes make documents
    import typst  # noqa: PLC0415

    data = msgspec.json.encode(_content(document)).decode()
    drawn = typst.compile(str(_TEMPLATE), sys_inputs={"data": data}, pdf_standards=["a-3b"])
    xml = write_cii(document)
    made = facturx.generate_from_binary(
        drawn, xml, flavor="factur-x", level="en16931", check_xsd=True, check_schematron=False, lang=document.language
    )
    return bytes(made)


def _content(document: InvoiceSnapshot) -> dict[str, object]:
    texts = localizer_of(document.language, "UTC")
    language, currency = texts.language, document.currency
    day = {name: format_date(getattr(document, name), "long", language) for name in ("issued_on", "due_on")}
    service = [format_date(one, "medium", language) for one in (document.period_start, document.period_end)]
    number = texts.fill(N_("Invoice {number}"), {"number": document.number})
    facts = [
        (texts.text(N_("Date")), day["issued_on"]),
        (texts.text(N_("Due")), day["due_on"]),
        (texts.text(N_("Period")), " – ".join(service)),
        (texts.text(N_("Purchase order number")), document.buyer.po_number),
        (texts.text(N_("VAT id of the buyer")), document.buyer.vat_id),
    ]
    return {
        "lang": language, "day": [document.issued_on.year, document.issued_on.month, document.issued_on.day],
        "accent": _ACCENT, "title": number, "seller": _address(document.seller),
        "buyer": _address(document.buyer), "facts": [one for one in facts if one[1]],
        "head": [texts.text(one) for one in (N_("Service"), N_("Quantity"), N_("Unit price"), N_("Amount"))],
        "lines": [
            (
                line.description, format_decimal(line.quantity, locale=language, decimal_quantization=False),
                format_decimal(line.unit_price, locale=language, decimal_quantization=False),
                _money(line.net_minor, currency, language),
            )
            for line in document.lines
        ],
        "totals": _totals(document, texts), "notes": _notes(document, texts), "footer": _footer(document.seller, texts),
    }  # fmt: skip


def _totals(document: InvoiceSnapshot, texts: Localizer) -> list[tuple[str, str]]:
    language, currency = texts.language, document.currency
    rows = [(texts.text(N_("Total before tax")), _money(document.net_minor, currency, language))]
    for tax in document.taxes:
        rate = format_decimal(tax.rule.percent, locale=language)
        rows.append((texts.fill(N_("Tax {rate} %"), {"rate": rate}), _money(tax.tax_minor, currency, language)))
    gross = document.net_minor + document.tax_minor
    return [*rows, (texts.text(N_("Total with tax")), _money(gross, currency, language))]


def _notes(document: InvoiceSnapshot, texts: Localizer) -> list[str]:
    notes = [texts.text(_NOTES[tax.rule.category]) for tax in document.taxes if tax.rule.category in _NOTES]
    if document.buyer.on_behalf_of:
        notes.append(texts.fill(N_("For {client}"), {"client": document.buyer.on_behalf_of}))
    return notes


def _footer(seller: Seller, texts: Localizer) -> str:
    parts = [
        seller.name, seller.email, seller.vat_id,
        seller.tax_number and f"{texts.text(N_('Tax number'))} {seller.tax_number}",
        seller.iban and f"IBAN {seller.iban}", seller.bic and f"BIC {seller.bic}",
    ]  # fmt: skip
    return " · ".join(part for part in parts if part)


def _address(party: Seller | Buyer) -> list[str]:
    return [party.name, party.street, f"{party.postcode} {party.city}", party.country]


def _money(minor: int, currency: str, language: str) -> str:
    amount = Decimal(minor).scaleb(-stored_exponent(currency))
    return format_currency(amount, currency, locale=language)
