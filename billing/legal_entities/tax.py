"""Tax of an invoice: the place-of-supply rule for services, and the amounts per rate. No input or output.

Where the buyer is taxed: in the seller's country at its own rate; in another country of the EU by the buyer (reverse
charge) if it has a valid VAT id, else at the seller's rate; outside the EU not at all (export). A seller outside the EU
charges its own rate at home and none abroad.
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final, Protocol

import msgspec

_STATES: Final = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU: Final = frozenset(_STATES.split())
"""ISO 3166 codes of the member states of the European Union."""


class TaxCategory(StrEnum):
    """Codes of UNCL 5305, as EN 16931 uses them."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"
    EXPORT = "G"


DOMESTIC: Final = (TaxCategory.STANDARD, TaxCategory.ZERO, TaxCategory.EXEMPT)
"""Categories of a seller's own rates; the others follow from the place of supply."""


USUAL_TAX_CODE: Final = "txcd_10103001"
"""Stripe's code of software as a service for business use."""


class TaxSourceKind(StrEnum):
    """Origin of the tax of a legal entity's invoices: its own rates, or Stripe Tax in its payment account."""

    OWN = "own"
    STRIPE = "stripe"


class VatCheckKind(StrEnum):
    """Register in which buyers' VAT ids are checked before reverse charge."""

    OFF = "off"
    VIES = "vies"


class TaxRule(msgspec.Struct, frozen=True, order=True):
    """`percent` of the net amount. `reason` is an exemption code of the VATEX list, empty at a rate above zero."""

    category: TaxCategory
    percent: Decimal
    reason: str = ""


class TaxAmount(msgspec.Struct, frozen=True):
    """One rate of an invoice, with its net amount and tax in minor units."""

    rule: TaxRule
    net_minor: int
    tax_minor: int


class TaxDetail(msgspec.Struct, frozen=True):
    """Tax of one jurisdiction. `reason` is the service's code for its taxability, `level` country, state, county, city
    or district.
    """

    jurisdiction: str
    level: str
    tax: str
    percent: Decimal
    reason: str
    taxable_minor: int
    tax_minor: int


class Place(msgspec.Struct, frozen=True):
    """Country of a party, and its valid VAT id or an empty text."""

    country: str
    vat_id: str = ""


VOUCHER_REASON: Final = "multi-purpose-voucher"
"""Our own code, since the VATEX list has none; documents have a sentence instead."""
VOUCHER: Final = TaxRule(TaxCategory.EXEMPT, Decimal(0), VOUCHER_REASON)
"""Rule for credit that a client buys: its later use is not known yet, and is taxed when the credit is used
(multi-purpose voucher, article 30b of directive 2006/112/EC).
"""
_REVERSE_CHARGE: Final = TaxRule(TaxCategory.REVERSE_CHARGE, Decimal(0), "VATEX-EU-AE")
_EXPORT: Final = TaxRule(TaxCategory.EXPORT, Decimal(0), "VATEX-EU-G")
_OUTSIDE_EU: Final = TaxRule(TaxCategory.ZERO, Decimal(0))


class TaxSource(Protocol):
    """The port of tax decisions: own rates here, a tax service elsewhere."""

    def decide(self, seller: Place, buyer: Place) -> TaxRule:
        """The rule for services that `seller` supplies to `buyer`, a business."""
        ...


class OwnRates(msgspec.Struct, frozen=True):
    """The seller's own rate and the rule of this module."""

    domestic: TaxRule

    def decide(self, seller: Place, buyer: Place) -> TaxRule:
        if buyer.country == seller.country:
            return self.domestic
        if seller.country not in EU:
            return _OUTSIDE_EU
        if buyer.country not in EU:
            return _EXPORT
        # Reverse charge needs both parties' ids on the invoice (EN 16931 BR-AE-02).
        return _REVERSE_CHARGE if buyer.vat_id and seller.vat_id else self.domestic


def tax_amounts(lines: Iterable[tuple[TaxRule, int]]) -> list[TaxAmount]:
    """Tax per rate of the invoice, each rounded once and half away from zero (EN 16931 BR-CO-17)."""
    nets: dict[TaxRule, int] = {}
    for rule, net_minor in lines:
        nets[rule] = nets.get(rule, 0) + net_minor
    return [TaxAmount(rule, net, tax_of(net, rule.percent)) for rule, net in sorted(nets.items())]


def tax_of(net_minor: int, percent: Decimal) -> int:
    """`percent` of the amount in minor units, rounded half away from zero."""
    return int((net_minor * percent / 100).quantize(Decimal(1), ROUND_HALF_UP))


def credited_tax(rates: Iterable[TaxAmount], nets: Mapping[TaxRule, int], before: Mapping[TaxRule, int]) -> int:
    """Tax of a credit of `nets` per rate, in minor units: the part of each rate's tax. `before` is the net credited
    already; computed from the sum, so that credits of the whole give back exactly the whole tax.
    """
    total = 0
    for rate in rates:
        first = before.get(rate.rule, 0)
        total += _part(rate, first + nets.get(rate.rule, 0)) - _part(rate, first)
    return total


def _part(rate: TaxAmount, net_minor: int) -> int:
    if not rate.net_minor:
        return 0
    share = Decimal(rate.tax_minor) * net_minor / rate.net_minor
    return int(share.quantize(Decimal(1), ROUND_HALF_UP))
