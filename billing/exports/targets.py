"""Columns of each system's import file, and how each is read from a line.

Sources: Xero's template for sales invoices (columns with * are required),
QuickBooks Online's import of invoices, the fields of ConnectWise's agreement additions, and HaloPSA's invoice lines.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from billing.exports.schemas import ExportLine, Target

_Read = str | Callable[[ExportLine], Any]
"""A field of the line, or a function."""


def _constant(value: object) -> _Read:
    return lambda _: value


def _due(line: ExportLine) -> date:
    """The due day; the day of issue for a credit note, in systems that require a due day."""
    return line.due_date or line.issue_date


def _fits_xero(line: ExportLine) -> bool:
    """Xero cuts unit amounts to four digits; a line with more is one piece at its net amount."""
    return line.unit_price == round(line.unit_price, 4)


_XERO: Final[Mapping[str, _Read]] = {
    "*ContactName": "buyer",
    "EmailAddress": "email",
    "*InvoiceNumber": "invoice_number",
    "Reference": "po_number",
    "*InvoiceDate": "issue_date",
    "*DueDate": _due,
    "InventoryItemCode": "product_code",
    "*Description": "description",
    "*Quantity": lambda line: line.quantity if _fits_xero(line) else 1,
    "*UnitAmount": lambda line: line.unit_price if _fits_xero(line) else line.net,
    "*AccountCode": _constant(""),  # chosen in Xero: its chart of accounts is not known here
    "*TaxType": "tax_code",
    "TaxAmount": "tax",
    "TrackingName1": _constant("Line"),
    "TrackingOption1": "line_id",
    "Currency": "currency",
}
_QUICKBOOKS: Final[Mapping[str, _Read]] = {
    "InvoiceNo": "invoice_number",
    "Customer": "buyer",
    "InvoiceDate": "issue_date",
    "DueDate": _due,
    "Memo": "po_number",
    "Item(Product/Service)": "product_code",
    "ItemDescription": "description",
    "ItemQuantity": "quantity",
    "ItemRate": "unit_price",
    "ItemAmount": "net",
    "ItemTaxCode": "tax_code",
    "ItemTaxAmount": "tax",
    "Currency": "currency",
    "ServiceDate": "service_from",
    "LineId": "line_id",
}
_CONNECTWISE: Final[Mapping[str, _Read]] = {
    "company": "client",
    "product": "product_code",
    "quantity": "quantity",
    "lessIncluded": _constant(0),  # the quantity is already less the included units
    "unitPrice": "unit_price",
    "billCustomer": _constant("Billable"),
    "effectiveDate": "service_from",
    "cancelledDate": "service_to",
    "invoiceDescription": "description",
    "externalId": "line_id",
}
_HALOPSA: Final[Mapping[str, _Read]] = {
    "client_name": "buyer",
    "invoice_number": "invoice_number",
    "invoice_date": "issue_date",
    "duedate": _due,
    "ponumber": "po_number",
    "item_code": "product_code",
    "item_longdescription": "description",
    "qty_order": "quantity",
    "unit_price": "unit_price",
    "net_amount": "net",
    "tax_code": "tax_code",
    "tax_amount": "tax",
    "currency": "currency",
    "third_party_id": "line_id",
}
COLUMNS: Final[Mapping[Target, Mapping[str, _Read]]] = {
    Target.FLAT: {name: name for name in ExportLine.__struct_fields__},
    Target.XERO: _XERO,
    Target.QUICKBOOKS: _QUICKBOOKS,
    Target.CONNECTWISE: _CONNECTWISE,
    Target.HALOPSA: _HALOPSA,
}


def cells_of(line: ExportLine, target: Target) -> dict[str, Any]:
    """Cells by column."""
    return {column: read(line) if callable(read) else getattr(line, read) for column, read in COLUMNS[target].items()}
