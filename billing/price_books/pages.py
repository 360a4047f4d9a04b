"""Pages of prices: those of all price books, the books, one with the versions of its prices, and a new price."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from billing.permissions import BillingPermission
from billing.price_books.books import PriceBookDetail, PriceBookView, load_price_book, open_price_book, title_of
from billing.price_books.forms import (
    FIELDS,
    Typed,
    cell_rows_of,
    read_kind,
    read_number,
    read_price,
    rows_of,
    write_form,
)
from billing.price_books.inputs import PriceBookInput
from billing.price_books.lists import PRICE_BOOKS, PRICES
from billing.price_books.pricing import PriceKind
from billing.price_books.repository import NewPrice, set_price
from billing.price_books.rules import ROUNDINGS, SWITCHES, UNIT_FIELDS, UNITS, list_rules, read_rules
from billing.price_books.unit_costs import UnitCostInput, set_unit_cost
from billing.price_books.version import read_book_version, require_book_version
from billing.price_books.wording import write_amount, write_price
from billing.pricing.rules import BillingRules
from billing.sides import Side
from billing.web.dependencies import KnownMeters
from billing.web.forms import read_typed
from foundation.errors import DomainError, InvalidInput, NotFound
from foundation.i18n.localizer import current_localizer, translate
from foundation.ids import new_id
from foundation.marks import N_
from foundation.usage.meters import Meters
from foundation.web.actions import run_action
from foundation.web.etags import version_in
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.accounts import name_clients
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
_PRICES: Final = "/prices"
_BOOKS: Final = "/prices/books"
_BOOK: Final = f"{_BOOKS}/{{book_id:uuid}}"
_READ: Final = {"permission": BillingPermission.READ_PRICE_BOOKS, "fleet": True}
_WRITE: Final = {"permission": BillingPermission.WRITE_PRICE_BOOKS}


@get(_PRICES, name="prices", opt=_READ, dependencies=PRICES.page_parameters, include_in_schema=False)
async def list_prices_page(access: OpenAccess, listed: ListParameters) -> Template:
    found = await load_page(access, PRICES, listed)
    clients = {price.client_id for price in found.items if price.client_id is not None}
    context = {
        "listed": list_view(PRICES, listed, found, f"{access.root}{_PRICES}"),
        "clients": await name_clients(access.session, clients),
    }
    return render_page(access, "billing/prices.html", translate("Prices"), context, refusal=listed.refusal)


@get(_BOOKS, name="price_books", opt=_READ, dependencies=PRICE_BOOKS.page_parameters, include_in_schema=False)
async def list_price_books_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _books_page(access, listed, {})


@post(f"{_BOOKS}/new", opt=_WRITE, dependencies=PRICE_BOOKS.page_parameters, include_in_schema=False)
async def create_price_book_page(request: AnyRequest, access: OpenAccess, listed: ListParameters) -> Response[Any]:
    typed = await read_typed(request)
    made: list[UUID] = []

    async def create() -> None:
        made.append(await open_price_book(access, _read_book(typed), now=access.now, new_id=new_id))

    try:
        refusal = await run_action(access.session, create())
    except NotFound:
        refusal = InvalidInput(N_("There is no client with this short name."), field="client")
    if refusal is not None:
        await access.enter_fleet()
        return await _books_page(access, listed, typed, refusal)
    return redirect_to(access, f"{_BOOKS}/{made[0]}", done=translate("Price book created"))


@get(_BOOK, name="price_book", opt=_READ, include_in_schema=False)
async def show_price_book_page(access: OpenAccess, meters: KnownMeters, book_id: FromPath[UUID]) -> Response[Any]:
    """A price book with all versions of its prices, the markup over cost, and the MSP's unit costs."""
    return await _book_page(access, meters, book_id, {})


@post(f"{_BOOK}/unit-costs", opt=_WRITE, include_in_schema=False)
async def set_unit_cost_page(
    request: AnyRequest, access: OpenAccess, meters: KnownMeters, book_id: FromPath[UUID]
) -> Response[Any]:
    typed = await read_typed(request)

    async def act() -> None:
        cost = read_number(typed, "unit_cost")
        if cost is None:
            raise InvalidInput(N_("Enter a price such as 0.03."), field="unit_cost")
        wanted = UnitCostInput(meter=typed.get("meter", "")[:100], unit_cost=cost, month=typed.get("month", "")[:20])
        await require_book_version(access.session, book_id, version_in(typed))
        await set_unit_cost(access.session, meters, book_id, wanted, now=access.now, new_id=new_id)

    refusal = await run_action(access.session, act())
    if refusal is not None:
        await access.enter_fleet()
        return await _book_page(access, meters, book_id, typed, refusal)
    return redirect_to(access, f"{_BOOKS}/{book_id}", done=translate("Unit cost set"))


async def _book_page(
    access: Access, meters: Meters, book_id: UUID, typed: Typed, refusal: DomainError | None = None
) -> Response[Any]:
    detail = await load_price_book(access.session, book_id, now=access.now)
    context = {
        "book": detail.book,
        "title": await title_of(access, detail.book),
        "versions": detail.prices,
        "costs": {one.price.id: write_price(one.cost, detail.book.currency) for one in detail.prices if one.cost},
        "meter_labels": meters.label_of,
        "rounding": ROUNDINGS.get(detail.book.rules.rounding, detail.book.rules.rounding.value),
        "rules": list_rules(detail.book.rules, current_localizer()),
        "writes": _writes(access, detail.book),
        "unit_costs": [(one, write_amount(one.unit_cost, detail.book.currency)) for one in detail.unit_costs],
        "meters": [(one.name, translate(one.label)) for one in meters],
        "this_month": f"{access.now:%Y-%m}",
        "version": version_in(typed) or await read_book_version(access.session, book_id),
        **_errors(typed, refusal),
    }
    return render_page(access, "billing/price_book.html", translate("Price book"), context, refusal=refusal)


@get(f"{_BOOK}/new", opt=_READ, name="price_form", include_in_schema=False)
async def show_price_form_page(
    access: OpenAccess,
    meters: KnownMeters,
    book_id: FromPath[UUID],
    kind: FromQuery[str] = "",
    meter: FromQuery[str] = "",
) -> Response[Any]:
    """The fields of a kind of price, filled in from the meter's price in force if it is of this kind."""
    detail = await load_price_book(access.session, book_id, now=access.now)
    current = next(
        (one.price for one in detail.prices if one.price.meter == meter and one.validity == "in_force"), None
    )
    shown = {} if current is None else {**write_form(current.terms), "description": current.description}
    try:
        chosen = read_kind(kind) if kind else current.terms.kind if current else PriceKind.PER_UNIT
    except InvalidInput as wrong:
        return await _form_page(access, meters, detail, {"meter": meter}, wrong)
    if shown.get("kind") != chosen:
        shown = {}
    return await _form_page(access, meters, detail, {**shown, "kind": chosen.value, "meter": meter})


@post(f"{_BOOK}/new", opt=_WRITE, include_in_schema=False)
async def set_price_page(
    request: AnyRequest, access: OpenAccess, meters: KnownMeters, book_id: FromPath[UUID]
) -> Response[Any]:
    typed = await read_typed(request)

    async def act() -> None:
        wanted = read_price(typed)
        meter = meters.require(wanted.meter)
        price = NewPrice(meter.name, wanted.description or meter.label, wanted.terms, wanted.valid_from or access.now)
        await require_book_version(access.session, book_id, version_in(typed))
        await set_price(access.session, book_id, price=price, now=access.now, new_id=new_id, only=Side.RETAIL)

    refusal = await run_action(access.session, act())
    if refusal is not None:
        await access.enter_fleet()
        detail = await load_price_book(access.session, book_id, now=access.now)
        return await _form_page(access, meters, detail, typed, refusal)
    return redirect_to(access, f"{_BOOKS}/{book_id}", done=translate("Price set"))


PRICE_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_prices_page,
    export_page(PRICES, _PRICES, opt=_READ),
    list_price_books_page,
    export_page(PRICE_BOOKS, _BOOKS, opt=_READ),
    create_price_book_page,
    show_price_book_page,
    set_unit_cost_page,
    show_price_form_page,
    set_price_page,
)


def _read_book(typed: Typed) -> PriceBookInput:
    """Raises InvalidInput."""
    return PriceBookInput(
        currency=typed.get("currency", "").upper()[:20], name=typed.get("name", "")[:300],
        client=typed.get("client", "")[:100] or None, **read_rules(typed),
    )  # fmt: skip


def _writes(access: Access, book: PriceBookView) -> bool:
    return book.side is Side.RETAIL and access.may(BillingPermission.WRITE_PRICE_BOOKS)


async def _books_page(
    access: Access, listed: ListInput, typed: Typed, refusal: DomainError | None = None
) -> Response[Any]:
    found = await load_page(access, PRICE_BOOKS, listed)
    clients = {book.client_id for book in found.items if book.client_id is not None}
    context = {
        "listed": list_view(PRICE_BOOKS, listed, found, f"{access.root}{_BOOKS}"),
        "clients": await name_clients(access.session, clients),
        "roundings": [(code.value, translate(label)) for code, label in ROUNDINGS.items()],
        "units": [(code.value, translate(label)) for code, label in UNITS.items()],
        "unit_fields": [(name, translate(label)) for name, label in UNIT_FIELDS.items()],
        "switches": [(name, translate(label)) for name, label in SWITCHES.items()],
        "usual": BillingRules(),
        **_errors(typed, refusal),
    }
    shown = refusal or listed.refusal
    return render_page(access, "billing/price_books.html", translate("Price books"), context, refusal=shown)


async def _form_page(
    access: Access, meters: Meters, detail: PriceBookDetail, typed: Typed, refusal: DomainError | None = None
) -> Response[Any]:
    try:
        kind = read_kind(typed.get("kind", ""))
    except InvalidInput:
        kind = PriceKind.PER_UNIT
    context = {
        "book": detail.book,
        "title": await title_of(access, detail.book),
        "kind": kind.value,
        "kinds": [(one.value, translate(one.label)) for one in PriceKind],
        "fields": FIELDS[kind],
        "rows": rows_of(typed),
        "cell_rows": cell_rows_of(typed),
        "meters": [(one.name, translate(one.label)) for one in meters],
        "writes": _writes(access, detail.book),
        "version": version_in(typed) or await read_book_version(access.session, detail.book.id),
        **_errors(typed, refusal),
    }
    return render_page(access, "billing/price_form.html", translate("New price"), context, refusal=refusal)


def _errors(typed: Typed, refusal: DomainError | None) -> Mapping[str, object]:
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    return {
        "typed": typed,
        "errors": {field: refusal.detail} if refusal is not None and field else {},
        "refused": refusal if not field else None,
    }
