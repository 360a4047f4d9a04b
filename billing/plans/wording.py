"""A plan's terms in words, in the reader's language."""

from collections.abc import Sequence
from typing import Final

from billing.plans.terms import PlanEntitlement, PlanTerms
from billing.price_books.wording import write_amount
from billing.pricing.periods import Interval
from foundation.entitlements.features import Features
from foundation.i18n.localizer import translate
from foundation.marks import N_

_EACH: Final = {
    Interval.MONTH: N_("{price} a month"),
    Interval.QUARTER: N_("{price} a quarter"),
    Interval.HALF_YEAR: N_("{price} a half-year"),
    Interval.YEAR: N_("{price} a year"),
}


def write_plan(terms: PlanTerms, currency: str) -> str:
    """The recurring prices after the phases, such as “29.00 EUR a month, and 4.00 EUR for each seat”."""
    seat = write_amount(terms.seat_price, currency)
    if not terms.fee and terms.seat_price:
        return translate("{price} for each seat", price=translate(_EACH[terms.interval], price=seat))
    price = translate(_EACH[terms.interval], price=write_amount(terms.fee, currency))
    return translate("{price}, and {seat} for each seat", price=price, seat=seat) if terms.seat_price else price


def write_entitlements(terms: PlanTerms, features: Features) -> Sequence[tuple[str, str]]:
    """(label, text) of the plan's entitlements, such as “Connections: 5 connections”."""
    return [(features.label_of(one.feature), _write_most(one, features)) for one in terms.entitlements]


def _write_most(one: PlanEntitlement, features: Features) -> str:
    if not one.is_on:
        return translate("Not in the plan")
    feature = features.get(one.feature)
    limit, each = [
        None if most is None else str(most) if feature is None else feature.write(most)
        for most in (one.limit, one.per_seat)
    ]
    if limit is not None and each is not None:
        return translate("{limit}, and {each} for each seat", limit=limit, each=each)
    if each is not None:
        return translate("{each} for each seat", each=each)
    if limit is not None:
        return limit
    return translate("Any number") if feature is not None and feature.count else translate("Included")


def write_details(terms: PlanTerms, currency: str) -> Sequence[tuple[str, str]]:
    """(label, text) of the plan's further terms, beside its recurring prices."""
    found = [(translate("Billed"), translate("in advance") if terms.in_advance else translate("in arrears"))]
    if terms.trial_days:
        found.append((translate("Trial"), translate("{number} days", number=terms.trial_days)))
    if terms.setup_fee:
        found.append((translate("Setup fee"), write_amount(terms.setup_fee, currency)))
    for phase in terms.phases:
        begin = PlanTerms(interval=terms.interval, fee=phase.fee, seat_price=phase.seat_price)
        label = translate("For {number} periods at first", number=phase.cycles)
        found.append((label, write_plan(begin, currency)))
    for label, limit in ((N_("Minimum usage"), terms.minimum), (N_("Commitment"), terms.commitment)):
        if limit is not None:
            found.append((translate(label), write_amount(limit, currency)))
    found += [(one.name, write_amount(one.price, currency)) for one in terms.add_ons]
    return found
