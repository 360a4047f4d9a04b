"""Price books with the versions of their prices, and the markup over the MSP's own cost."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.price_books.inputs import PriceBookInput
from billing.price_books.pricing import PriceKind, Terms
from billing.price_books.repository import NewPriceBook, PriceRow, create_price_book
from billing.price_books.selection import PriceSelection, select_prices
from billing.price_books.unit_costs import UnitCostView, list_unit_costs
from billing.pricing.charges import margin
from billing.pricing.rules import BillingRules
from billing.sides import Side
from foundation.database.engine import scope_of
from foundation.errors import Forbidden, NotFound
from foundation.i18n.localizer import translate
from foundation.ids import NewId
from foundation.marks import N_
from foundation.web.pagination import ListQuery, ListSource, ResultPage, Sort, SortKey, read_page
from tenants.access import Access
from tenants.accounts import get_client_by_slug, name_clients

Validity = Literal["earlier", "in_force", "later"]


class PriceBookView(msgspec.Struct, frozen=True):
    """A price book. `prices` counts all versions; `rules` are those that differ from the default."""

    id: UUID
    side: Side
    client_id: UUID | None
    currency: str
    name: str
    rules: BillingRules
    created_at: datetime
    prices: int


class PriceVersion(msgspec.Struct, frozen=True):
    """A price with its place in time. `cost` are the MSP's own terms in force for the same meter, if in the same
    currency; `markup_pct` is the price's markup over them in per cent, if both are prices per unit.
    """

    price: PriceRow
    validity: Validity
    cost: Terms | None = None
    markup_pct: Decimal | None = None


class PriceBookDetail(msgspec.Struct, frozen=True):
    """A price book; `prices` by meter, the newest version first. `unit_costs`: the MSP's costs of a unit."""

    book: PriceBookView
    prices: Sequence[PriceVersion]
    unit_costs: Sequence[UnitCostView] = ()


BOOK_ORDER: Final = Sort(
    name="side",
    label=N_("Common ones first"),
    reverse_label=N_("Common ones last"),
    keys=[
        SortKey("b.side"),
        SortKey("coalesce(b.client_id, '00000000-0000-0000-0000-000000000000')", "uuid"),
        SortKey("b.id", "uuid"),
    ],
)
ALL_BOOKS: Final = ListQuery(list="price-books", sort=BOOK_ORDER, limit=10_000)
_COLUMNS = """b.id, b.side, b.client_id, b.currency, b.name, b.rules, b.created_at,
              (SELECT count(*) FROM price p WHERE p.tenant_id = b.tenant_id AND p.book_id = b.id) AS prices"""


async def list_price_books(session: AsyncSession, query: ListQuery) -> ResultPage[PriceBookView]:
    """One page of the MSP's price books, both sides. In a fleet scope, which is that of the MSP's staff."""
    binds = {"msp_id": _require_fleet(session)}
    source = ListSource(columns=_COLUMNS, tables="price_book b", where="b.tenant_id = :msp_id", binds=binds)
    return (await read_page(session, source, query)).map(_book)


async def load_price_book(session: AsyncSession, book_id: UUID, *, now: datetime) -> PriceBookDetail:
    """A price book of the MSP. In a fleet scope.

    Raises:
        NotFound: the MSP has no such book.
    """
    book = await find_price_book(session, book_id)
    prices = await select_prices(session, PriceSelection(book_id=book_id))
    costs = await _costs(session, book, now)
    newest_first = sorted(prices, key=lambda price: (price.meter, -price.valid_from.timestamp()))
    versions = [_version(price, costs.get(price.meter), now) for price in newest_first]
    return PriceBookDetail(book, versions, await list_unit_costs(session, book_id))


async def find_price_book(session: AsyncSession, book_id: UUID) -> PriceBookView:
    """Return a price book, in a fleet scope. Raises NotFound."""
    row = (
        await session.execute(
            text(f"SELECT {_COLUMNS} FROM price_book b WHERE b.tenant_id = :msp_id AND b.id = :id"),
            {"msp_id": _require_fleet(session), "id": book_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return _book(row)


async def title_of(access: Access, book: PriceBookView) -> str:
    """Title of a book: the client's name for its own book; for common books, their buyers."""
    if book.client_id is None:
        return translate("All clients") if book.side is Side.RETAIL else translate("Wholesale")
    return (await name_clients(access.session, [book.client_id])).get(book.client_id, "")


async def open_price_book(access: Access, book: PriceBookInput, *, now: datetime, new_id: NewId) -> UUID:
    """Create a retail price book. Ends in the caller's own account, that of the MSP.

    Raises:
        NotFound: the MSP has no such client.
        Conflict, InvalidInput: as `create_price_book`.
    """
    client_id = None
    if book.client:
        await access.enter_fleet()
        try:
            client_id = (await get_client_by_slug(access.session, book.client)).tenant_id
        finally:  # the request's own records belong to the MSP account
            await access.enter_home()
    wanted = NewPriceBook(Side.RETAIL, book.currency, book.name, client_id, book.rules)
    return await create_price_book(access.session, wanted, now=now, new_id=new_id)


def _require_fleet(session: AsyncSession) -> UUID:
    scope = scope_of(session)
    if not scope.fleet:
        raise Forbidden(N_("Price books are visible to the MSP's own members only."))
    return scope.msp_id


def _book(row: Row[Any]) -> PriceBookView:
    return PriceBookView(
        row.id, Side(row.side), row.client_id, row.currency, row.name, msgspec.convert(row.rules, BillingRules),
        row.created_at, row.prices,
    )  # fmt: skip


async def _costs(session: AsyncSession, book: PriceBookView, now: datetime) -> dict[str, Terms]:
    """The MSP's own terms in force by meter, for a retail book of the same currency."""
    if book.side is Side.WHOLESALE:
        return {}
    found = await select_prices(session, PriceSelection(side=Side.WHOLESALE, start=now, end=now))
    return {price.meter: price.terms for price in found if price.currency == book.currency}


def _version(price: PriceRow, cost: Terms | None, now: datetime) -> PriceVersion:
    validity = validity_of(price, now)
    if validity == "earlier" or cost is None:
        return PriceVersion(price, validity)
    return PriceVersion(price, validity, cost, markup_of(price.terms, cost))


def validity_of(price: PriceRow, now: datetime) -> Validity:
    if price.valid_from > now:
        return "later"
    return "in_force" if price.valid_to is None or price.valid_to > now else "earlier"


def markup_of(price: Terms, cost: Terms) -> Decimal | None:
    """Per cent by which a price per unit is above its cost per unit; None for other kinds, and for a cost of 0."""
    if price.kind is not PriceKind.PER_UNIT or cost.kind is not PriceKind.PER_UNIT or not cost.unit_price:
        return None
    found = margin(cost.unit_price, price.unit_price)
    return round(found.margin / found.cost * 100, 1)
