"""Sentences about coupons in the reader's language."""

from billing.coupons.terms import CouponDuration, CouponTerms
from branding.formats import format_money, format_percent
from canonical.money import Money
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import NN_

_INVOICES = NN_("{number} invoice", "{number} invoices")


def write_worth(terms: CouponTerms) -> str:
    if terms.percent is not None:
        return format_percent(terms.percent / 100)
    return format_money(Money(terms.amount_minor or 0, terms.currency or ""))


def write_duration(terms: CouponTerms) -> str:
    if terms.duration is CouponDuration.MONTHS:
        text = current_localizer().count(*_INVOICES, terms.months or 0)
    else:
        text = translate(terms.duration.label)
    return translate("{duration}, again each month", duration=text) if terms.recurring else text
