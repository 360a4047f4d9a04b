"""Lines of the export, and the systems that read them."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from foundation.marks import N_


class Target(StrEnum):
    """System that reads the file."""

    FLAT = "flat"
    XERO = "xero"
    QUICKBOOKS = "quickbooks"
    CONNECTWISE = "connectwise"
    HALOPSA = "halopsa"


class FileFormat(StrEnum):
    """Formats of the file, named as its ending."""

    CSV = "csv"
    XLSX = "xlsx"


TARGET_LABELS: Final[Mapping[Target, str]] = {
    Target.FLAT: N_("All columns"),
    Target.XERO: N_("Xero: sales invoices"),
    Target.QUICKBOOKS: N_("QuickBooks Online: invoices"),
    Target.CONNECTWISE: N_("ConnectWise: additions of agreements"),
    Target.HALOPSA: N_("HaloPSA: invoice lines"),
}


class DocumentKind(StrEnum):
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    VOID = "void"
    """An invoice of an earlier month that was voided."""


class ExportLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an invoice or of a voided one, or a whole credit note as one line. Voids and credits are negative.

    Amounts are in the currency's unit. `line_id` never changes, so that a second import of the same line can be
    recognised. `client` is the client's short name, `tax_code` the category of UNCL 5305 with the rate, such as S19.
    The taxes of an invoice's lines add up to the invoice's tax.
    """

    line_id: UUID
    document: DocumentKind
    invoice_number: str
    issue_date: date
    due_date: date | None
    client: str
    buyer: str
    email: str
    po_number: str
    line: int
    product_code: str
    description: str
    service_from: date
    service_to: date
    quantity: Decimal
    unit_price: Decimal
    net: Decimal
    tax_code: str
    tax_rate: Decimal
    tax: Decimal
    gross: Decimal
    currency: str
    event_count: int


class ExportTotal(msgspec.Struct, frozen=True):
    """Sums of one currency, in its unit."""

    currency: str
    net: Decimal
    tax: Decimal
    gross: Decimal


class Export(msgspec.Struct, frozen=True):
    """One month of issue for one system. `rows` map its columns to cells; `unnumbered` counts invoices of the month
    that are left out, because they were finalised without a legal entity, hence without a document.
    """

    month: str
    target: Target
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    totals: Sequence[ExportTotal]
    unnumbered: int
