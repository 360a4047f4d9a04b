"""The invoice as PDF/A-3 with the e-invoice inside (Factur-X), under the brand and in the language of the document."""

from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

from billing.documents.amounts import given_back, has_one_price, write_amount, write_voucher
from billing.documents.cii import write_cii
from billing.documents.logo import DocumentLogo
from billing.legal_entities.tax import VOUCHER, TaxCategory
from billing.price_books.rules import write_rules
from billing.snapshot import Buyer, InvoiceBrand, InvoiceSnapshot, Seller, SnapshotLine
from billing.tax_service.rules import REASON_LABELS
from canonical.money import stored_exponent
from foundation.i18n.localizer import Localizer
from foundation.i18n.negotiation import localizer_of
from foundation.marks import N_

_TEMPLATE: Final = Path(__file__).with_name("invoice.typ")
_NOTES: Final = {
    TaxCategory.REVERSE_CHARGE: N_("Reverse charge: the buyer owes the tax."),
    TaxCategory.EXPORT: N_("Service to a buyer outside the EU: no tax is charged."),
    TaxCategory.EXEMPT: N_("Exempt from tax."),
}
_DUE: Final = {False: N_("Amount due"), True: N_("Amount credited")}
Pairs = list[tuple[str, str]]
"""(label, value)."""


def write_pdf(document: InvoiceSnapshot, logo: DocumentLogo | None = None) -> bytes:
    """The PDF, with the logo in place of the monogram. Takes about half a second of computing time. The same document
    gives the same text and XML, but not the same bytes: they contain the time.
    """
    import facturx  # noqa: PLC0415 - half a second, and few processes make documents
    import typst  # noqa: PLC0415

    data = msgspec.json.encode(_content(document) | _logo(logo)).decode()
    drawn = typst.compile(str(_TEMPLATE), sys_inputs={"data": data}, pdf_standards=["a-3b"])
    xml = write_cii(document)
    made = facturx.generate_from_binary(
        drawn, xml, flavor="factur-x", level="en16931", check_xsd=True, check_schematron=False, lang=document.language
    )
    return bytes(made)


def _content(document: InvoiceSnapshot) -> dict[str, object]:
    is_credit, document = document.is_credit, given_back(document)
    texts, issued = localizer_of(document.language, "UTC"), document.issued_on
    seller, language = document.seller, texts.language
    gross = _money(document.net_minor + document.tax_minor, document, language)
    return {
        "lang": language, "day": [issued.year, issued.month, issued.day],
        "brand": _brand(document.brand, seller.name),
        "title": texts.fill(
            N_("Credit note {number}") if is_credit else N_("Invoice {number}"), {"number": document.number}
        ),
        "seller": _address(seller, language), "buyer": _address(document.buyer, language),
        "facts": _facts(document, texts, is_credit=is_credit),
        "head": [texts.text(one) for one in (N_("Service"), N_("Quantity"), N_("Unit price"), N_("Amount"))],
        "lines": [
            (
                line.description, format_decimal(line.quantity, locale=language, decimal_quantization=False),
                _unit_price(line, document.currency, language), _money(line.net_minor, document, language),
            )
            for line in document.lines
        ],
        "totals": _totals(document, texts), "due": (texts.text(_DUE[is_credit]), gross),
        "notes": _notes(document, texts, is_credit=is_credit),
        "payment_title": texts.text(N_("Payment")), "payment": _payment(document, texts, gross, is_credit=is_credit),
        "footer": [
            _address(seller, language), [seller.email] if seller.email else [],
            _present([(texts.text(N_("VAT id")), seller.vat_id), (texts.text(N_("Tax number")), seller.tax_number)]),
        ],
    }  # fmt: skip


def _logo(logo: DocumentLogo | None) -> dict[str, object]:
    """The template's input for the logo. Its bytes are a list of numbers, because JSON has no bytes."""
    return {"logo": None} if logo is None else {"logo": list(logo.content), "is_wordmark": logo.is_wordmark}


def _brand(brand: InvoiceBrand, seller: str) -> dict[str, Any]:
    return msgspec.to_builtins(brand) | {"name": brand.name or seller}  # type: ignore[no-any-return]


def _facts(document: InvoiceSnapshot, texts: Localizer, *, is_credit: bool) -> Pairs:
    language = texts.language
    service = [format_date(one, "medium", language) for one in (document.period_start, document.period_end)]
    facts = [
        (texts.text(N_("Date")), _day(document.issued_on, language)),
        (texts.text(N_("Due")), "" if is_credit else _day(document.due_on, language)),
        (texts.text(N_("Invoice")), document.preceding_number),
        (texts.text(N_("Period")), " – ".join(service)),
        (texts.text(N_("Purchase order number")), document.buyer.po_number),
        (texts.text(N_("VAT id of the buyer")), document.buyer.vat_id),
    ]
    return [one for one in facts if one[1]]


def _totals(document: InvoiceSnapshot, texts: Localizer) -> Pairs:
    language = texts.language
    rows = [(texts.text(N_("Total before tax")), _money(document.net_minor, document, language))]
    for tax in document.taxes:
        rate = format_percent(tax.rule.percent / 100, locale=language, decimal_quantization=False)
        values = {"rate": rate, "net": _money(tax.net_minor, document, language)}
        rows.append((texts.fill(N_("Tax {rate} on {net}"), values), _money(tax.tax_minor, document, language)))
    return rows


def _notes(document: InvoiceSnapshot, texts: Localizer, *, is_credit: bool) -> list[str]:
    notes = [
        write_voucher(document.language) if tax.rule == VOUCHER else texts.text(_NOTES[tax.rule.category])
        for tax in document.taxes if tax.rule.category in _NOTES
    ]  # fmt: skip
    for one in document.tax_details:
        rate = format_percent(one.percent / 100, locale=texts.language, decimal_quantization=False)
        said = REASON_LABELS.get(one.reason)
        values = {"place": one.jurisdiction, "tax": one.tax or texts.text(N_("Tax")), "rate": rate}
        values |= {"reason": one.reason if said is None else texts.text(said)}
        notes.append(texts.fill(N_("{place}: {tax} {rate}, {reason}."), values))
    if document.rules is not None:
        notes += write_rules(document.rules, texts, subscribed=document.is_subscribed)
    notes.append(texts.fill(N_("Days are those of the time zone {zone}."), {"zone": document.time_zone}))
    if document.buyer.on_behalf_of:
        notes.append(texts.fill(N_("For {client}"), {"client": document.buyer.on_behalf_of}))
    if is_credit:
        notes.append(texts.text(N_("The amount is set off against later invoices, or paid back.")))
    return notes


def _payment(document: InvoiceSnapshot, texts: Localizer, gross: str, *, is_credit: bool) -> Pairs:
    seller = document.seller
    if is_credit:
        return [(texts.text(_DUE[is_credit]), gross), (texts.text(N_("Reference")), document.number)]
    rows = [
        (texts.text(_DUE[is_credit]), gross), (texts.text(N_("Due")), _day(document.due_on, texts.language)),
        (texts.text(N_("Account holder")), seller.name if seller.iban else ""), ("IBAN", _grouped(seller.iban)),
        ("BIC", seller.bic), (texts.text(N_("Reference")), document.number),
    ]  # fmt: skip
    return [row for row in rows if row[1]]


def _present(pairs: Pairs) -> list[str]:
    return [f"{label} {value}" for label, value in pairs if value]


def _address(party: Seller | Buyer, language: str) -> list[str]:
    country = Locale.parse(language).territories.get(party.country, party.country)
    return [party.name, party.street, f"{party.postcode} {party.city}", country]


def _grouped(iban: str) -> str:
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


def _day(day: date, language: str) -> str:
    return format_date(day, "long", language)


def _money(minor: int, document: InvoiceSnapshot, language: str) -> str:
    return write_amount(minor, document.currency, language)


def _unit_price(line: SnapshotLine, currency: str, language: str) -> str:
    """The line's unit price, with at least the digits of an amount; a dash where no single price gives the amount."""
    if not has_one_price(line, currency):
        return "–"
    least = stored_exponent(currency)
    digits = "." + "0" * least + "#" * (9 - least)
    pattern = Locale.parse(language).currency_formats["standard"].pattern.replace(".00", digits)
    return format_currency(line.unit_price, currency, format=pattern, locale=language, currency_digits=False)
