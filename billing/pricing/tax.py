"""Tax in and on amounts, the order of an invoice's deductions, and credit notes."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from billing.pricing.numbers import Number, decimal, exact, total
from billing.pricing.rounding import Rounding, round_amount, round_to_integer


class Taxed(msgspec.Struct, frozen=True):
    net: Decimal
    tax: Decimal
    gross: Decimal


class TaxableLine(msgspec.Struct, frozen=True):
    net: Number
    rate_pct: Number


class Waterfall(msgspec.Struct, frozen=True):
    """Amounts in the order in which they are deducted; `unused_…` are the parts beyond the invoice's amount."""

    subtotal: Decimal
    tax: Decimal
    total_with_tax: Decimal
    due: Decimal
    unused_coupons: Decimal
    unused_credit_notes: Decimal
    unused_prepaid: Decimal


class CreditNoteTotals(msgspec.Struct, frozen=True):
    net_minor: int
    tax_minor: int

    @property
    def total_minor(self) -> int:
        return self.net_minor + self.tax_minor


def tax_on(net: Number, rate_pct: Number, *, exponent: int = 0, mode: Rounding = Rounding.HALF_UP) -> Taxed:
    """Tax on top of a net amount."""
    tax = round_amount(exact(net) * exact(rate_pct) / 100, exponent, mode)
    return Taxed(decimal(exact(net)), tax, decimal(exact(net) + exact(tax)))


def tax_within(
    gross: Number, rate_pct: Number, *, round_tax: bool = True, exponent: int = 2, mode: Rounding = Rounding.HALF_UP
) -> Taxed:
    """The tax contained in a gross amount. Tax or net is rounded (`round_tax`), the other one is the rest, so that both
    come to the gross amount.
    """
    exact_net = exact(gross) / (1 + exact(rate_pct) / 100)
    if round_tax:
        tax = exact(round_amount(exact(gross) - exact_net, exponent, mode))
    else:
        tax = exact(gross) - exact(round_amount(exact_net, exponent, mode))
    return Taxed(decimal(exact(gross) - tax), decimal(tax), decimal(exact(gross)))


def tax_by_line(lines: Sequence[TaxableLine], *, exponent: int = 0, mode: Rounding = Rounding.HALF_UP) -> Decimal:
    """Tax of each line, rounded for each."""
    return decimal(total([exact(tax_on(one.net, one.rate_pct, exponent=exponent, mode=mode).tax) for one in lines]))


def tax_by_rate(
    lines: Sequence[TaxableLine], *, exponent: int = 0, mode: Rounding = Rounding.HALF_UP
) -> dict[Decimal, Decimal]:
    """Tax of each rate on the sum of its lines, rounded for each rate (EN 16931, BR-CO-17)."""
    sums: dict[Fraction, Fraction] = {}
    for line in lines:
        rate = exact(line.rate_pct)
        sums[rate] = sums.get(rate, Fraction(0)) + exact(line.net)
    return {decimal(rate): round_amount(net * rate / 100, exponent, mode) for rate, net in sums.items()}


def tax_by_invoice(lines: Sequence[TaxableLine], *, exponent: int = 0, mode: Rounding = Rounding.HALF_UP) -> Decimal:
    """Tax of all lines, rounded once."""
    return round_amount(total([exact(one.net) * exact(one.rate_pct) / 100 for one in lines]), exponent, mode)


def invoice_waterfall(  # noqa: PLR0913 - keyword-only
    fees: Sequence[Number],
    *,
    coupons: Number = 0,
    tax_pct: Number = 0,
    credit_notes: Number = 0,
    prepaid: Number = 0,
    exponent: int = 2,
    mode: Rounding = Rounding.HALF_UP,
) -> Waterfall:
    """An invoice's amounts: fees, less coupons, plus tax, less credit notes, less prepaid credits. None of the
    deductions takes more than is left.
    """
    gross = total([exact(fee) for fee in fees])
    used = max(Fraction(0), min(exact(coupons), gross))
    subtotal = gross - used
    tax = exact(round_amount(subtotal * exact(tax_pct) / 100, exponent, mode))
    with_tax = subtotal + tax
    noted = max(Fraction(0), min(exact(credit_notes), with_tax))
    paid = max(Fraction(0), min(exact(prepaid), with_tax - noted))
    return Waterfall(
        subtotal=decimal(subtotal), tax=decimal(tax), total_with_tax=decimal(with_tax),
        due=decimal(with_tax - noted - paid), unused_coupons=decimal(exact(coupons) - used),
        unused_credit_notes=decimal(exact(credit_notes) - noted), unused_prepaid=decimal(exact(prepaid) - paid),
    )  # fmt: skip


def credit_note(
    fee_minor: Number,
    *,
    unused: Number = 1,
    of: Number = 1,
    tax_pct: Number = 0,
    mode: Rounding = Rounding.HALF_UP,
) -> CreditNoteTotals:
    """Credit for the unused part of a fee: the item is rounded first, the tax is of the rounded item."""
    net = round_to_integer(exact(fee_minor) * exact(unused) / exact(of), mode)
    return CreditNoteTotals(net, round_to_integer(net * exact(tax_pct) / 100, mode))
