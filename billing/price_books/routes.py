"""API of price books and of all their prices."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath, JSONBody

from billing.permissions import BillingPermission
from billing.price_books.books import PriceBookDetail, load_price_book, open_price_book
from billing.price_books.inputs import PriceBookInput, PriceInput
from billing.price_books.lists import PRICE_BOOKS, PRICES
from billing.price_books.repository import NewPrice, set_price
from billing.price_books.unit_costs import UnitCostInput, UnitCostSet, set_unit_cost
from billing.price_books.version import read_book_version, require_book_version
from billing.sides import Side
from billing.web.dependencies import KnownMeters
from foundation.ids import new_id
from foundation.web.api import post
from foundation.web.etags import GuardedOperation, read_etag, tagged
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

AnyRequest = Request[Any, Any, Any]
_BOOKS: Final = "/api/v1/price-books"
_READ: Final = {"permission": BillingPermission.READ_PRICE_BOOKS, "fleet": True}
_WRITE: Final = {"permission": BillingPermission.WRITE_PRICE_BOOKS}


class PriceBookCreated(msgspec.Struct, frozen=True):
    id: UUID


class PriceCreated(msgspec.Struct, frozen=True):
    id: UUID
    book_id: UUID


PRICE_LIST: Final = list_route(
    PRICES,
    "/api/v1/prices",
    opt=_READ,
    tags=["prices"],
    about="List the prices of all price books. Unit prices are exact decimals of the book's currency.",
)
PRICE_BOOK_LIST: Final = list_route(
    PRICE_BOOKS, _BOOKS, opt=_READ, tags=["prices"], about="List the price books of both sides, the common ones first."
)


@get(f"{_BOOKS}/{{book_id:uuid}}", opt=_READ, tags=["prices"])
async def show_price_book(access: OpenAccess, book_id: FromPath[UUID]) -> Response[PriceBookDetail]:
    """Return a price book with all versions of its prices, and the markup over your cost. Its `ETag` changes with every
    price and unit cost.
    """
    found = await load_price_book(access.session, book_id, now=access.now)
    return tagged(found, await read_book_version(access.session, book_id))


@post(_BOOKS, opt=_WRITE, tags=["prices"])
async def create_price_book(access: OpenAccess, data: JSONBody[PriceBookInput]) -> PriceBookCreated:
    """Create a retail price book: the common one, or one client's own."""
    return PriceBookCreated(await open_price_book(access, data, now=access.now, new_id=new_id))


@post(f"{_BOOKS}/{{book_id:uuid}}/prices", opt=_WRITE, tags=["prices"], operation_class=GuardedOperation)
async def create_price(
    request: AnyRequest, access: OpenAccess, meters: KnownMeters, book_id: FromPath[UUID], data: JSONBody[PriceInput]
) -> PriceCreated:
    """Set a price of a retail price book, from now or a later day on. The price before ends then."""
    await require_book_version(access.session, book_id, read_etag(request))
    meter = meters.require(data.meter)
    price = NewPrice(meter.name, data.description or meter.label, data.terms, data.valid_from or access.now)
    made = await set_price(access.session, book_id, price=price, now=access.now, new_id=new_id, only=Side.RETAIL)
    return PriceCreated(made, book_id)


@post(f"{_BOOKS}/{{book_id:uuid}}/unit-costs", opt=_WRITE, tags=["prices"], operation_class=GuardedOperation)
async def create_unit_cost(
    request: AnyRequest, access: OpenAccess, meters: KnownMeters, book_id: FromPath[UUID], data: JSONBody[UnitCostInput]
) -> UnitCostSet:
    """Set your cost of a unit of a meter from a month on. Profit uses it where no vendor's bill is mapped."""
    await require_book_version(access.session, book_id, read_etag(request))
    made = await set_unit_cost(access.session, meters, book_id, data, now=access.now, new_id=new_id)
    return UnitCostSet(made)


PRICE_BOOK_ROUTES: Final[tuple[Any, ...]] = (
    PRICE_LIST, PRICE_BOOK_LIST, show_price_book, create_price_book, create_price, create_unit_cost,
)  # fmt: skip
