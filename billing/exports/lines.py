"""Export lines of one invoice and of its credit notes. No input or output."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import msgspec

from billing.documents.amounts import charge_of
from billing.exports.schemas import DocumentKind, ExportLine
from billing.legal_entities.tax import TaxRule, credited_tax
from billing.snapshot import InvoiceSnapshot
from canonical.money import decimal_amount


class IssuedCredit(msgspec.Struct, frozen=True):
    """A credit note: amounts in minor units, as they are taken back."""

    id: UUID
    number: str
    issued_on: date
    net_minor: int
    tax_minor: int
    reason: str


def invoice_lines(document: InvoiceSnapshot, client: str, events: Mapping[UUID, int]) -> Iterator[ExportLine]:
    """Lines of an invoice. `events`: number of usage events by line. A credit note has no due day."""
    kind = DocumentKind.CREDIT_NOTE if document.is_credit else DocumentKind.INVOICE
    taxes = line_taxes(document)
    for position, (line, (rule, tax_minor)) in enumerate(zip(document.lines, taxes, strict=True), start=1):
        quantity, unit_price, net = charge_of(line, document.currency)
        tax = decimal_amount(tax_minor, document.currency)
        yield ExportLine(
            line_id=line.id, document=kind, line=position, product_code=line.product,
            description=line.description, service_from=line.service_from, service_to=line.service_to,
            quantity=quantity, unit_price=unit_price, net=net, tax=tax, gross=net + tax,
            event_count=events.get(line.id, 0), invoice_number=document.number, issue_date=document.issued_on,
            due_date=None if document.is_credit else document.due_on,
            **_shared(document, client, rule),
        )  # fmt: skip


def void_lines(document: InvoiceSnapshot, client: str, voided_on: date) -> Iterator[ExportLine]:
    """Lines that take back those of an invoice. Their ids are derived, so that they never change either; accounting
    systems refuse a second document of one number.
    """
    for line in invoice_lines(document, client, {}):
        yield msgspec.structs.replace(
            line, line_id=uuid5(line.line_id, DocumentKind.VOID.value), document=DocumentKind.VOID,
            quantity=-line.quantity, net=-line.net, tax=-line.tax, gross=-line.gross, issue_date=voided_on,
            due_date=None, invoice_number=f"{line.invoice_number}-VOID",
        )  # fmt: skip


def line_taxes(document: InvoiceSnapshot) -> list[tuple[TaxRule, int]]:
    """Rule and tax of each line in minor units. Tax is rounded once per rate on the invoice, so a line has the
    difference that it makes to the rounded tax of the lines up to it: their sum is the invoice's tax.
    """
    found, before = [], dict[TaxRule, int]()
    for line in document.lines:
        rule = document.rule_of(line)
        found.append((rule, credited_tax(document.taxes, {rule: line.net_minor}, before)))
        before[rule] = before.get(rule, 0) + line.net_minor
    return found


def credit_line(document: InvoiceSnapshot, client: str, credit: IssuedCredit) -> ExportLine:
    """The credit note of an invoice as one line, of the invoice's service period."""
    net, tax = (-decimal_amount(minor, document.currency) for minor in (credit.net_minor, credit.tax_minor))
    return ExportLine(
        line_id=credit.id, document=DocumentKind.CREDIT_NOTE, line=1, product_code=DocumentKind.CREDIT_NOTE.value,
        description=f"{document.number}: {credit.reason}", service_from=document.period_start,
        service_to=document.period_end, quantity=Decimal(1), unit_price=net, net=net, tax=tax, gross=net + tax,
        event_count=0, invoice_number=credit.number, issue_date=credit.issued_on, due_date=None,
        **_shared(document, client, document.rule),
    )  # fmt: skip


def _shared(document: InvoiceSnapshot, client: str, rule: TaxRule) -> dict[str, Any]:
    return {
        "client": client, "buyer": document.buyer.name, "email": document.buyer.email,
        "po_number": document.buyer.po_number, "currency": document.currency, "tax_rate": rule.percent,
        "tax_code": f"{rule.category.value}{rule.percent.normalize():f}",
    }  # fmt: skip
