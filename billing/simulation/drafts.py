"""Draft terms of a simulation, which replace those in force."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from billing.price_books.pricing import Terms, check_terms
from billing.price_books.repository import PriceRow
from billing.pricing.charges import marked_up
from billing.simulation.schemas import PriceDraft

_PLACES: Final = 8


def drafted_terms(draft: PriceDraft, current: Iterable[PriceRow]) -> Mapping[str, Terms]:
    """Draft terms by meter. `current`: the book's prices in force, to which a change in per cent applies."""
    wanted = {meter: check_terms(terms) for meter, terms in draft.terms.items()}
    if not draft.change_pct:
        return wanted
    return {row.meter: check_terms(changed(row.terms, draft.change_pct)) for row in current} | wanted


def changed(terms: Terms, change_pct: Decimal) -> Terms:
    """The terms with all their amounts and rates changed by so many per cent, to the places of a price."""

    def other(amount: Decimal) -> Decimal:
        return round(marked_up(amount, change_pct), _PLACES)

    return msgspec.structs.replace(
        terms,
        unit_price=other(terms.unit_price),
        tiers=tuple(
            msgspec.structs.replace(tier, unit_price=other(tier.unit_price), flat=other(tier.flat))
            for tier in terms.tiers
        ),
        rate_pct=other(terms.rate_pct),
        per_event=other(terms.per_event),
        minimum=None if terms.minimum is None else other(terms.minimum),
        maximum=None if terms.maximum is None else other(terms.maximum),
        cells=tuple(msgspec.structs.replace(cell, unit_price=other(cell.unit_price)) for cell in terms.cells),
    )
