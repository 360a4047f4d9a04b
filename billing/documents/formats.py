"""Formats of an invoice's documents."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from billing.documents.cii import write_cii
from billing.documents.pdf import write_pdf
from billing.documents.ubl import write_ubl
from billing.snapshot import InvoiceSnapshot


class DocumentFormat(StrEnum):
    PDF = "pdf"
    """PDF/A-3 with the Cross Industry Invoice inside (Factur-X)."""
    CII = "cii"
    UBL = "ubl"


class FormatDetails(NamedTuple):
    """`address` is the last part of the download's address, `suffix` follows the number in the file's name."""

    address: str
    suffix: str
    media_type: str
    write: Callable[[InvoiceSnapshot], bytes]


FORMATS: Final = {
    DocumentFormat.PDF: FormatDetails("document.pdf", ".pdf", "application/pdf", write_pdf),
    DocumentFormat.CII: FormatDetails("e-invoice.xml", ".xml", "application/xml", write_cii),
    DocumentFormat.UBL: FormatDetails("e-invoice-ubl.xml", "-ubl.xml", "application/xml", write_ubl),
}


def file_name(document: InvoiceSnapshot, kind: DocumentFormat) -> str:
    """File name for the document's number, see `name_file`."""
    return name_file(document.number, kind)


def name_file(number: str, kind: DocumentFormat) -> str:
    """The number, without characters that separate folders."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in number) + FORMATS[kind].suffix
