"""The list of prices of all price books."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from billing.price_books.repository import PRICE_ORDER, PriceRow, list_prices
from foundation.marks import N_
from foundation.web.csv_export import CsvColumn
from foundation.web.lists import ChoiceFilter, ListDefinition
from foundation.web.pagination import ListQuery, ResultPage


async def _load(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[PriceRow]:
    return await list_prices(session, query)


PRICES: Final = ListDefinition[PriceRow](
    name="prices",
    title=N_("Prices"),
    item=PriceRow,
    load=_load,
    filters=[
        ChoiceFilter(
            name="side",
            label=N_("Side"),
            options=[("", N_("Any")), ("retail", N_("Retail")), ("wholesale", N_("Wholesale"))],
        )
    ],
    sorts=[PRICE_ORDER],
    columns=[
        "id",
        "book_id",
        "side",
        "client_id",
        "meter",
        "description",
        "valid_from",
        "valid_to",
        CsvColumn("unit_price", lambda price: price.terms.unit_price),
        "currency",
        CsvColumn("included", lambda price: price.terms.included),
        CsvColumn("kind", lambda price: price.terms.kind.value),
        CsvColumn("tiers", lambda price: price.terms.tiers or None),
    ],
)
