"""The lists of price books, and of the prices of all of them."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from billing.price_books.books import BOOK_ORDER, PriceBookView, list_price_books
from billing.price_books.repository import PRICE_ORDER, PriceRow, list_prices
from foundation.marks import N_
from foundation.web.csv_export import CsvColumn
from foundation.web.lists import ChoiceFilter, ListDefinition
from foundation.web.pagination import ListQuery, ResultPage


async def _load(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[PriceRow]:
    return await list_prices(session, query)


async def _load_books(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[PriceBookView]:
    return await list_price_books(session, query)


PRICE_BOOKS: Final = ListDefinition[PriceBookView](
    name="price-books",
    title=N_("Price books"),
    item=PriceBookView,
    load=_load_books,
    sorts=[BOOK_ORDER],
    columns=["id", "side", "client_id", "currency", "name", "prices", "created_at"],
)


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
        CsvColumn("cells", lambda price: price.terms.cells or None),
    ],
)
