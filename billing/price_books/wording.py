"""Terms of a price in words: the price of a unit, a package or a month, with its minimum and maximum."""

from collections.abc import Sequence
from decimal import Decimal

from billing.price_books.cells import dimensions_of
from billing.price_books.pricing import TIERED, PriceKind, Terms, plain
from branding.formats import format_amount, write_exact_money
from canonical.money import stored_exponent
from foundation.i18n.localizer import current_localizer, translate


def write_amount(amount: Decimal, currency: str) -> str:
    """$0.50 or $0.0015: with at least the digits of its currency, and without further zeros."""
    return write_exact_money(amount.normalize() + 0, currency, places=stored_exponent(currency))


def write_number(number: Decimal) -> str:
    return format_amount(number.normalize() + 0)


def write_plain(number: Decimal) -> str:
    """A number for a form's field, in the same way in every language."""
    return f"{number.normalize():f}"


def write_rate(rate_pct: Decimal) -> str:
    """A percentage with all its digits."""
    share = rate_pct.normalize() / 100
    return current_localizer().percent(share, max(0, -int(share.as_tuple().exponent) - 2))


def write_price(terms: Terms, currency: str) -> str:
    """The price itself; for tiers or cells only a summary."""
    if terms.kind in TIERED:
        return translate("by quantity")
    if terms.cells:
        return translate("by {dimensions}", dimensions=", ".join(dimensions_of(terms.cells)))
    price = write_amount(terms.unit_price, currency)
    match terms.kind:
        case PriceKind.PACKAGE:
            return translate("{price} for each {number} units", price=price, number=write_number(terms.size))
        case PriceKind.FLAT:
            return translate("{price} a month", price=price)
        case PriceKind.PERCENTAGE:
            rate = write_rate(terms.rate_pct)
            fee = write_amount(terms.per_event, currency)
            return translate("{rate} and {price} an event", rate=rate, price=fee) if terms.per_event else rate
    return price


def write_limits(terms: Terms, currency: str) -> str:
    """Minimum and maximum cost of a month with usage; empty without limits."""
    least, most = (bound and write_amount(bound, currency) for bound in (terms.minimum, terms.maximum))
    if least and most:
        return translate("at least {least}, at most {most} a month", least=least, most=most)
    if least:
        return translate("at least {price} a month", price=least)
    return translate("at most {price} a month", price=most) if most else ""


def write_tiers(terms: Terms, currency: str) -> Sequence[tuple[str, str, str]]:
    """(range of chargeable units, price, fee) of each tier. Ranges of fractions begin where the one before ends."""
    rows: list[tuple[str, str, str]] = []
    step = int(all(tier.up_to is None or tier.up_to == int(tier.up_to) for tier in terms.tiers))
    floor = Decimal(step)
    for tier in terms.tiers:
        if tier.up_to is None:
            reach = translate("from {number}", number=plain(floor))
        else:
            reach = translate("{first} to {last}", first=plain(floor), last=plain(tier.up_to))
        fee = write_amount(tier.flat, currency) if tier.flat else ""
        rows.append((reach, write_amount(tier.unit_price, currency), fee))
        floor = (tier.up_to or Decimal(0)) + step
    return rows


def write_cells(terms: Terms, currency: str) -> Sequence[tuple[str, str]]:
    """(values, price) of each cell, and of all other units last; nothing for a price without cells."""
    if not terms.cells:
        return []
    cells = [(cell.label, write_amount(cell.unit_price, currency)) for cell in terms.cells]
    return [*cells, (translate("all others"), write_amount(terms.unit_price, currency))]
