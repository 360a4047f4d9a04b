"""The rule of an invoice that follows from a tax service's answer. No input or output."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from billing.legal_entities.tax import EU, TaxCategory, TaxDetail, TaxRule, tax_of
from billing.tax_service.port import TaxAnswer, TaxHeld, TaxQuestion
from foundation.marks import N_

SERVICE_EXEMPT: Final = "exempt-by-tax-service"
"""Our own code, since the service names no VATEX code; documents have a sentence instead."""
_EXEMPT: Final = frozenset({"customer_exempt", "product_exempt", "product_exempt_holiday"})
_UNTAXED: Final = frozenset({"not_collecting", "not_subject_to_tax"})
_TAXED: Final = frozenset(
    {
        "standard_rated", "reduced_rated", "portion_standard_rated", "portion_reduced_rated", "proportionally_rated",
        "taxable_basis_reduced",
    }
)  # fmt: skip
REASON_LABELS: Final = {
    "standard_rated": N_("Standard rate"),
    "reduced_rated": N_("Reduced rate"),
    "portion_standard_rated": N_("Partly at the standard rate"),
    "portion_reduced_rated": N_("Partly at a reduced rate"),
    "portion_product_exempt": N_("Partly exempt"),
    "proportionally_rated": N_("Proportional rate"),
    "taxable_basis_reduced": N_("Reduced taxable amount"),
    "zero_rated": N_("Zero rate"),
    "reverse_charge": N_("Reverse charge"),
    "customer_exempt": N_("Customer is exempt"),
    "product_exempt": N_("Service is exempt"),
    "product_exempt_holiday": N_("Service is exempt for a time"),
    "not_subject_to_tax": N_("Not subject to tax"),
    "not_collecting": N_("Seller is not registered there"),
}


def rule_of(question: TaxQuestion, answer: TaxAnswer) -> TaxRule:
    """The one rule of the invoice; rates of several jurisdictions are added.

    Raises:
        TaxHeld: the answer gives no rule. No tax is never assumed.
    """
    reasons = {one.reason for one in answer.details}
    if not reasons or (answer.tax_minor and not reasons & _TAXED):
        raise _held(reasons)
    if reasons & _TAXED:
        return TaxRule(TaxCategory.STANDARD, _percent(question, answer))
    if reasons == {"reverse_charge"}:
        if not (question.vat_id and question.seller_vat_id):
            raise TaxHeld(N_("Reverse charge needs the VAT ids of seller and buyer. Enter them, and calculate again."))
        return TaxRule(TaxCategory.REVERSE_CHARGE, Decimal(0), "VATEX-EU-AE")
    if reasons <= _EXEMPT:
        return TaxRule(TaxCategory.EXEMPT, Decimal(0), SERVICE_EXEMPT)
    if reasons == {"zero_rated"}:
        return TaxRule(TaxCategory.ZERO, Decimal(0))
    if reasons <= _UNTAXED:
        return _untaxed(question)
    raise _held(reasons)


def _untaxed(question: TaxQuestion) -> TaxRule:
    if question.seller_country not in EU:
        return TaxRule(TaxCategory.ZERO, Decimal(0))
    if question.country not in EU:
        return TaxRule(TaxCategory.EXPORT, Decimal(0), "VATEX-EU-G")
    raise TaxHeld(
        N_("The tax service has no registration for {country}. Add it there, and calculate again."),
        params={"country": question.country},
    )


def _percent(question: TaxQuestion, answer: TaxAnswer) -> Decimal:
    """Sum of the rates; the effective rate where a jurisdiction taxes only a part."""
    taxed: Sequence[TaxDetail] = [one for one in answer.details if one.reason in _TAXED]
    total = sum((one.percent for one in taxed), Decimal(0))
    if not question.net_minor or abs(tax_of(question.net_minor, total) - answer.tax_minor) <= len(taxed):
        return total.normalize()
    return (Decimal(answer.tax_minor) * 100 / question.net_minor).quantize(Decimal("0.001")).normalize()


def _held(reasons: set[str]) -> TaxHeld:
    return TaxHeld(
        N_("The tax service's answer is not usable: {reasons}. Check its settings, and calculate again."),
        params={"reasons": ", ".join(sorted(reasons)) or "–"},
    )
