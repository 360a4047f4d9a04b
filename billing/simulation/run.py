"""Entry point for pages and the API: book, month and client by name, draft prices as given."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from billing.periods import Period, month_before, parse_month
from billing.price_books.books import PriceBookView, find_price_book
from billing.simulation.schemas import PriceDraft, Simulation, SimulationInput
from billing.simulation.simulate import simulate
from foundation.errors import InvalidInput
from foundation.ids import new_id
from foundation.marks import N_
from foundation.usage.meters import Meters
from tenants.access import Access
from tenants.accounts import get_client_by_slug

_LEAST: Final = Decimal(-100)
_MOST: Final = Decimal(1000)
_PLACES: Final = 4


class Simulated(msgspec.Struct, frozen=True):
    book: PriceBookView
    result: Simulation


async def run_simulation(access: Access, meters: Meters, book_id: UUID, wanted: SimulationInput) -> Simulated:
    """Run a simulation. Ends in the caller's own account.

    Raises:
        NotFound: the MSP has no such book or client.
        InvalidInput: names the field.
    """
    terms = {meters.require(one.meter).name: one.terms for one in wanted.prices}
    draft = PriceDraft(terms, check_change(wanted.change_pct))
    period = last_month(access.now) if not wanted.month else parse_month(wanted.month)
    await access.enter_fleet()
    try:
        book = await find_price_book(access.session, book_id)
        client = None if not wanted.client else await get_client_by_slug(access.session, wanted.client)
        result = await simulate(
            access.session, book, draft, period=period, client_id=None if client is None else client.tenant_id,
            now=access.now, new_id=new_id,
        )  # fmt: skip
    finally:  # the request's own records belong to the MSP account
        await access.enter_home()
    return Simulated(book, result)


def last_month(now: datetime) -> Period:
    """The last month that has ended."""
    return month_before(now)


def check_change(percent: Decimal) -> Decimal:
    """Raises InvalidInput."""
    if not percent.is_finite() or not _LEAST <= percent <= _MOST or percent != round(percent, _PLACES):
        raise InvalidInput(
            N_("Enter a change in percent from {least} to {most}, such as 5 or -2.5."),
            params={"least": str(_LEAST), "most": str(_MOST)},
            field="change_pct",
        )
    return percent
