"""The e-invoice as UBL 2.1 invoice or credit note of EN 16931. Same content as the Cross Industry Invoice, for
receivers that read only this syntax.
"""

from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, tostring  # nothing is read, so no entity is ever resolved

from billing.documents.amounts import charge_of, given_back, write_exemption
from billing.legal_entities.tax import TaxRule
from billing.snapshot import Buyer, InvoiceSnapshot, Seller, SnapshotLine
from canonical.money import decimal_amount

_NAMESPACE: Final = "urn:oasis:names:specification:ubl:schema:xsd:"
_SPACES: Final = {
    "xmlns:cac": f"{_NAMESPACE}CommonAggregateComponents-2",
    "xmlns:cbc": f"{_NAMESPACE}CommonBasicComponents-2",
}
_GUIDELINE: Final = "urn:cen.eu:en16931:2017"
_TRANSFER: Final = "58"
_UNDEFINED: Final = "1"
_PIECE: Final = "C62"
_MAIL: Final = "EM"


class _Kind(NamedTuple):
    """Names of a kind of document: of its root, of a line and of a line's quantity; and its code of UNTDID 1001."""

    root: str
    line: str
    quantity: str
    code: str


_INVOICE: Final = _Kind("Invoice", "InvoiceLine", "InvoicedQuantity", "380")
_CREDIT_NOTE: Final = _Kind("CreditNote", "CreditNoteLine", "CreditedQuantity", "381")
Node = Element | None
"""An element; None for a field that the invoice lacks."""


def write_ubl(document: InvoiceSnapshot) -> bytes:
    """The document as XML."""
    kind, document = _CREDIT_NOTE if document.is_credit else _INVOICE, given_back(document)
    root, number = Element(kind.root, {"xmlns": f"{_NAMESPACE}{kind.root}-2", **_SPACES}), document.number
    due, is_credit = document.due_on.isoformat(), kind is _CREDIT_NOTE
    currency = document.currency
    nodes = [
        _text("CustomizationID", _GUIDELINE), _text("ID", number),
        _text("IssueDate", document.issued_on.isoformat()), None if is_credit else _text("DueDate", due),
        _text(f"{kind.root}TypeCode", kind.code), _text("DocumentCurrencyCode", currency),
        _group(
            "InvoicePeriod", _text("StartDate", document.period_start.isoformat()),
            _text("EndDate", document.period_end.isoformat()),
        ),
        _group("OrderReference", _text("ID", document.buyer.po_number)),
        _preceding(document),
        _group("AccountingSupplierParty", _party(document.seller)),
        _group("AccountingCustomerParty", _party(document.buyer)),
        _group("Delivery", _text("ActualDeliveryDate", document.period_end.isoformat())),
        _credited_on(due) if is_credit else _means(document.seller, number),
        _tax_total(document),
        _total(document),
        *(
            _line(kind, place, line, document.rule_of(line), currency)
            for place, line in enumerate(document.lines, start=1)
        ),
    ]  # fmt: skip
    root.extend(node for node in nodes if node is not None)
    return bytes(tostring(root, encoding="UTF-8", xml_declaration=True))


def _preceding(document: InvoiceSnapshot) -> Node:
    if not document.preceding_number or document.preceding_on is None:
        return None
    day = document.preceding_on.isoformat()
    reference = _group("InvoiceDocumentReference", _text("ID", document.preceding_number), _text("IssueDate", day))
    return _group("BillingReference", reference)


def _party(party: Seller | Buyer) -> Node:
    tax_number = party.tax_number if isinstance(party, Seller) else ""
    return _group(
        "Party", _text("EndpointID", party.email, schemeID=_MAIL),
        # A seller without a VAT id needs another identifier (rule BR-CO-26).
        _group("PartyIdentification", _text("ID", "" if party.vat_id else tax_number)),
        _group(
            "PostalAddress", _text("StreetName", party.street), _text("CityName", party.city),
            _text("PostalZone", party.postcode), _group("Country", _text("IdentificationCode", party.country)),
        ),
        _registration(party.vat_id, "VAT"), _registration(tax_number, "FC"),
        _group("PartyLegalEntity", _text("RegistrationName", party.name)),
        _group("Contact", _text("ElectronicMail", party.email)),
    )  # fmt: skip


def _registration(number: str, scheme: str) -> Node:
    return _group("PartyTaxScheme", _text("CompanyID", number), _scheme(scheme)) if number else None


def _means(seller: Seller, number: str) -> Node:
    if not seller.iban:
        return None
    branch = _group("FinancialInstitutionBranch", _text("ID", seller.bic))
    account = _group("PayeeFinancialAccount", _text("ID", seller.iban), _text("Name", seller.name), branch)
    return _group("PaymentMeans", _text("PaymentMeansCode", _TRANSFER), _text("PaymentID", number), account)


def _credited_on(day: str) -> Node:
    """Payment means of a credit note, where UBL has its due day (rule BR-CO-25); without the seller's account."""
    return _group("PaymentMeans", _text("PaymentMeansCode", _UNDEFINED), _text("PaymentDueDate", day))


def _tax_total(document: InvoiceSnapshot) -> Node:
    currency = document.currency
    parts = [
        _group(
            "TaxSubtotal", _amount("TaxableAmount", tax.net_minor, currency),
            _amount("TaxAmount", tax.tax_minor, currency), _exempt(tax.rule, document.language),
        )
        for tax in document.taxes
    ]  # fmt: skip
    return _group("TaxTotal", _amount("TaxAmount", document.tax_minor, currency), *parts)


def _total(document: InvoiceSnapshot) -> Node:
    currency, net = document.currency, document.net_minor
    gross = net + document.tax_minor
    return _group(
        "LegalMonetaryTotal", _amount("LineExtensionAmount", net, currency),
        _amount("TaxExclusiveAmount", net, currency), _amount("TaxInclusiveAmount", gross, currency),
        _amount("PayableAmount", gross, currency),
    )  # fmt: skip


def _line(kind: _Kind, place: int, line: SnapshotLine, rule: TaxRule, currency: str) -> Node:
    quantity, price, _ = charge_of(line, currency)
    return _group(
        kind.line, _text("ID", str(place)), _text(kind.quantity, f"{quantity:f}", unitCode=_PIECE),
        _amount("LineExtensionAmount", line.net_minor, currency),
        _group("Item", _text("Name", line.description), _category("ClassifiedTaxCategory", rule)),
        _group("Price", _text("PriceAmount", f"{price:f}", currencyID=currency)),
    )  # fmt: skip


def _exempt(rule: TaxRule, language: str) -> Node:
    """The rule with its reason, in words if there is no code."""
    reason = write_exemption(rule, language)
    if reason:
        return _category("TaxCategory", rule, reason)
    return _category("TaxCategory", rule, code=rule.reason)


def _category(name: str, rule: TaxRule, reason: str = "", code: str = "") -> Node:
    return _group(
        name, _text("ID", rule.category.value), _text("Percent", f"{rule.percent:f}"),
        _text("TaxExemptionReasonCode", code), _text("TaxExemptionReason", reason), _scheme("VAT"),
    )  # fmt: skip


def _scheme(code: str) -> Node:
    return _group("TaxScheme", _text("ID", code))


def _amount(name: str, minor: int, currency: str) -> Node:
    return _text(name, f"{decimal_amount(minor, currency):f}", currencyID=currency)


def _text(name: str, value: str, **attributes: str) -> Node:
    if not value:
        return None
    made = Element(f"cbc:{name}", attributes)
    made.text = value
    return made


def _group(name: str, *children: Node) -> Node:
    found = [child for child in children if child is not None]
    made = Element(f"cac:{name}")
    made.extend(found)
    return made if found else None
