"""The e-invoice: UN/CEFACT Cross Industry Invoice of the profile EN 16931, as Factur-X embeds it.

The libraries are imported when a document is made: they take half a second, and few processes make any.
"""

from typing import Any, Final

from billing.documents.amounts import charge_of, given_back, write_exemption
from billing.legal_entities.tax import TaxRule
from billing.snapshot import Buyer, InvoiceSnapshot, Seller, SnapshotLine
from canonical.money import decimal_amount

_GUIDELINE: Final = "urn:cen.eu:en16931:2017"
_INVOICE: Final = "380"
_CREDIT_NOTE: Final = "381"
_TRANSFER: Final = "58"
_PIECE: Final = "C62"


def write_cii(document: InvoiceSnapshot) -> bytes:
    """The document as XML, checked against the schema of its profile."""
    from drafthorse.models.document import Document  # noqa: PLC0415 - see the module

    made, is_credit, document = Document(), document.is_credit, given_back(document)
    made.context.guideline_parameter.id = _GUIDELINE
    made.header.id, made.header.type_code = document.number, _CREDIT_NOTE if is_credit else _INVOICE
    made.header.issue_date_time = document.issued_on
    agreement = made.trade.agreement
    if document.buyer.po_number:
        agreement.buyer_order.issuer_assigned_id = document.buyer.po_number
    _write_party(agreement.seller, document.seller)
    _write_party(agreement.buyer, document.buyer)
    for number, line in enumerate(document.lines, start=1):
        made.trade.items.add(_line(number, line, document.rule_of(line), document.currency))
    made.trade.delivery.event.occurrence = document.period_end
    _settle(made.trade.settlement, document, is_credit=is_credit)
    return bytes(made.serialize(schema="FACTUR-X_EN16931"))


def _write_party(party: Any, known: Seller | Buyer) -> None:
    from drafthorse.models.party import TaxRegistration  # noqa: PLC0415

    party.name = known.name
    party.address.postcode, party.address.line_one = known.postcode, known.street
    party.address.city_name, party.address.country_id = known.city, known.country
    numbers = [("VA", known.vat_id)]
    if isinstance(known, Seller):
        numbers.append(("FC", known.tax_number))
        if known.tax_number and not known.vat_id:  # a seller without a VAT id needs another identifier (rule BR-CO-26)
            party.id = known.tax_number
    if known.email:
        party.electronic_address.uri_ID = ("EM", known.email)
    for scheme, number in numbers:
        if number:
            party.tax_registrations.add(TaxRegistration(id=(scheme, number)))


def _line(number: int, line: SnapshotLine, rule: TaxRule, currency: str) -> Any:
    from drafthorse.models.tradelines import LineItem  # noqa: PLC0415

    item = LineItem()
    quantity, item.agreement.net.amount, net = charge_of(line, currency)
    item.document.line_id = str(number)
    item.product.name = line.description
    item.delivery.billed_quantity = (quantity, _PIECE)
    _write_rule(item.settlement.trade_tax, rule)
    item.settlement.monetary_summation.total_amount = net
    return item


def _settle(settlement: Any, document: InvoiceSnapshot, *, is_credit: bool) -> None:
    from drafthorse.models.accounting import ApplicableTradeTax  # noqa: PLC0415
    from drafthorse.models.payment import PaymentMeans, PaymentTerms  # noqa: PLC0415

    currency = document.currency
    settlement.currency_code, settlement.payment_reference = currency, document.number
    if document.seller.iban and not is_credit:  # nothing is paid to the seller
        means = PaymentMeans(type_code=_TRANSFER)
        means.payee_account.iban = document.seller.iban
        if document.seller.bic:
            means.payee_institution.bic = document.seller.bic
        settlement.payment_means.add(means)
    for tax in document.taxes:
        entry = ApplicableTradeTax()
        entry.calculated_amount = decimal_amount(tax.tax_minor, currency)
        entry.basis_amount = decimal_amount(tax.net_minor, currency)
        _write_rule(entry, tax.rule)
        reason = write_exemption(tax.rule, document.language)
        if reason:
            entry.exemption_reason = reason
        elif tax.rule.reason:
            entry.exemption_reason_code = tax.rule.reason
        settlement.trade_tax.add(entry)
    if document.preceding_number:
        preceding = settlement.invoice_referenced_document
        preceding.issuer_assigned_id = document.preceding_number
        preceding.issue_date_time = document.preceding_on
    settlement.period.start, settlement.period.end = document.period_start, document.period_end
    settlement.terms.add(PaymentTerms(due=document.due_on))
    net, tax_total = decimal_amount(document.net_minor, currency), decimal_amount(document.tax_minor, currency)
    total = settlement.monetary_summation
    total.line_total = total.tax_basis_total = net
    total.tax_total = (tax_total, currency)
    total.grand_total = total.due_amount = net + tax_total


def _write_rule(entry: Any, rule: TaxRule) -> None:
    entry.type_code, entry.category_code = "VAT", rule.category.value
    entry.rate_applicable_percent = rule.percent
