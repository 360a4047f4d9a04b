"""Amounts of the documents: exact decimals in the currency's unit."""

from decimal import Decimal

from babel.numbers import format_currency
from msgspec.structs import replace

from billing.legal_entities.tax import VOUCHER, TaxRule
from billing.snapshot import InvoiceSnapshot, SnapshotLine
from billing.tax_service.rules import SERVICE_EXEMPT
from canonical.money import decimal_amount
from foundation.i18n.negotiation import localizer_of
from foundation.marks import N_

_EXEMPT = N_("Exempt from tax.")


def write_amount(minor: int, currency: str, language: str) -> str:
    """Format the amount in the language."""
    return format_currency(decimal_amount(minor, currency), currency, locale=language)


def write_voucher(language: str) -> str:
    """Reason, for a document, why bought credit is not taxed."""
    return localizer_of(language, "UTC").text(N_("Prepaid credit: tax is charged when it is used."))


def write_exemption(rule: TaxRule, language: str) -> str:
    """Reason of an exemption for which there is no code of the VATEX list; empty for other rules."""
    if rule == VOUCHER:
        return write_voucher(language)
    return localizer_of(language, "UTC").text(_EXEMPT) if rule.reason == SERVICE_EXEMPT else ""


def has_one_price(line: SnapshotLine, currency: str) -> bool:
    """Whether the line's amount is quantity times unit price, rounded: not so with tiers, packages or minimums."""
    exact = line.unit_price * line.quantity
    return abs(exact - decimal_amount(line.net_minor, currency)) < decimal_amount(1, currency)


def given_back(document: InvoiceSnapshot) -> InvoiceSnapshot:
    """A credit note with positive amounts, as its documents show them; an invoice unchanged."""
    if not document.is_credit:
        return document
    lines = [replace(line, quantity=-line.quantity, net_minor=-line.net_minor) for line in document.lines]
    taxes = [replace(tax, net_minor=-tax.net_minor, tax_minor=-tax.tax_minor) for tax in document.taxes]
    return replace(document, lines=lines, taxes=taxes)


def charge_of(line: SnapshotLine, currency: str) -> tuple[Decimal, Decimal, Decimal]:
    """Quantity, net price of one, and net amount. Tiers have no single unit price: their line is one piece.

    A price is never negative (EN 16931 BR-27): the line of a negative amount has a negative quantity.
    """
    net = decimal_amount(line.net_minor, currency)
    if line.unit_price * line.quantity == net:
        return line.quantity, line.unit_price.normalize() + 0, net
    return (Decimal(-1), -net, net) if net < 0 else (Decimal(1), net, net)
