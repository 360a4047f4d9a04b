"""Retail prices of a month, to put a price on a difference."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Period
from billing.price_books.pricing import charge
from billing.price_books.repository import PriceRow
from billing.price_books.selection import PriceSelection, select_prices
from billing.sides import Side
from billing.three_way.compare import Key, Price
from canonical.money import decimal_amount

_INSTANT: Final = timedelta(microseconds=1)


async def load_price(session: AsyncSession, period: Period) -> Price:
    """By the last price of the month: the client's own, or the common one. In a fleet scope."""
    wanted = PriceSelection(side=Side.RETAIL, start=period.start, end=period.end - _INSTANT)
    latest: dict[tuple[UUID | None, str], PriceRow] = {
        (row.client_id, row.meter): row for row in await select_prices(session, wanted)
    }  # in the order of time
    return lambda key, quantity: _price(latest, key, quantity)


def _price(
    latest: Mapping[tuple[UUID | None, str], PriceRow], key: Key, quantity: Decimal
) -> tuple[Decimal, str] | None:
    found = latest.get(key) or latest.get((None, key[1]))
    if found is None:
        return None
    if quantity <= 0:
        return Decimal(0), found.currency
    cost = charge(found.terms, before=0, quantity=quantity, currency=found.currency).amount_minor
    return decimal_amount(cost, found.currency), found.currency
