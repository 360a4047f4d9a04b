"""Amounts of the documents: exact decimals in the currency's unit."""

from decimal import Decimal

from babel.numbers import format_currency

from billing.snapshot import SnapshotLine
from canonical.money import stored_exponent


def amount_of(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-stored_exponent(currency))


def write_amount(minor: int, currency: str, language: str) -> str:
    """The amount as people of the language read it."""
    return format_currency(amount_of(minor, currency), currency, locale=language)


def has_one_price(line: SnapshotLine, currency: str) -> bool:
    """Whether its amount is quantity times unit price, but for rounding: it is not with tiers, packages or minimums."""
    exact = line.unit_price * line.quantity
    return abs(exact - amount_of(line.net_minor, currency)) < amount_of(1, currency)


def charge_of(line: SnapshotLine, currency: str) -> tuple[Decimal, Decimal, Decimal]:
    """Quantity, net price of one, and net amount. Tiers have no single unit price: their line is one piece."""
    net = amount_of(line.net_minor, currency)
    if line.unit_price * line.quantity == net:
        return line.quantity, line.unit_price.normalize() + 0, net
    return Decimal(1), net, net
