"""Estimated cost of use now, by the prices of the client's draft."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Service, month_of
from billing.price_books.pricing import charge, terms_from_row
from billing.pricing.rules import BillingRules
from billing.rating.tariffs import client_scope, load_tariff
from billing.sides import Side, as_rater


async def estimate_minor(
    session: AsyncSession, quantities: Mapping[str, Decimal], used: Mapping[str, Decimal], *, now: datetime
) -> int | None:
    """Cost, in minor units, of the quantities by meter on top of those used this month; None, not 0, if a meter has no
    price.
    """
    scope, month = client_scope(session), month_of(now)
    async with as_rater(session):
        services = [Service(month.start, month.end, month.start)]
        tariff = await load_tariff(session, scope, Side.RETAIL, month, services)
        if tariff is None:
            return None
        prices = {slot.meter: slot.price_id for slot in tariff.slots if slot.start <= now < slot.end}
        if not quantities.keys() <= prices.keys():
            return None
        wanted = {"msp_id": scope.msp_id, "ids": [prices[meter] for meter in quantities]}
        rows = (await session.execute(_TERMS, wanted)).mappings().all()
    total = 0
    for row in rows:
        before = used.get(row["meter"], Decimal(0))
        total += charge(
            terms_from_row(row), before=max(Decimal(0), before), quantity=quantities[row["meter"]],
            currency=tariff.currency, rules=msgspec.convert(row["rules"], BillingRules),
        ).amount_minor  # fmt: skip
    return total


_TERMS: Final = text("""
    SELECT p.meter, p.unit_price, p.included_quantity, p.tiers, p.terms, b.rules
      FROM price p JOIN price_book b ON b.tenant_id = p.tenant_id AND b.id = p.book_id
     WHERE p.tenant_id = :msp_id AND p.id = ANY (:ids)
""")
