"""Page of a simulation: a price from the form of prices, or a change of all prices, on a month's usage."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from billing.permissions import BillingPermission
from billing.price_books.books import PriceBookView, find_price_book, title_of
from billing.price_books.cells import MOST_CELLS, MOST_DIMENSIONS
from billing.price_books.forms import FIELDS, MOST_ROWS, Typed, read_change, read_price
from billing.price_books.wording import write_cells, write_limits, write_price, write_tiers
from billing.sides import Side
from billing.simulation.run import last_month, run_simulation
from billing.simulation.schemas import DraftPrice, SimulatedAmount, Simulation, SimulationInput
from billing.web.dependencies import KnownMeters
from billing.web.forms import read_typed
from canonical.money import Money
from foundation.errors import DomainError, InvalidInput, NotFound
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.usage.meters import Meters
from foundation.web.actions import run_action
from foundation.web.render import render_page
from tenants.access import Access
from tenants.accounts import name_clients
from tenants.web.dependencies import OpenAccess

_SIMULATION: Final = "/prices/books/{book_id:uuid}/simulation"
_SHOWN: Final = 50
"""Clients on the page; the API returns all."""
_PRICE_FIELDS: Final = frozenset(
    {"kind", "meter", "description", "valid_from", "minimum", "maximum"}
    | {name for names in FIELDS.values() for name in names}
    | {f"{name}_{row}" for name in ("up_to", "tier_price", "fee") for row in range(1, MOST_ROWS + 1)}
    | {f"dimension_{column}" for column in range(1, MOST_DIMENSIONS + 1)}
    | {f"value_{column}_{row}" for column in range(1, MOST_DIMENSIONS + 1) for row in range(1, MOST_CELLS + 1)}
    | {f"cell_price_{row}" for row in range(1, MOST_CELLS + 1)}
)


@dataclass(frozen=True, slots=True)
class SimulatedRow:
    """One meter or client; `note` is its quantity."""

    label: str
    note: str
    amount: SimulatedAmount
    currency: str

    @property
    def old(self) -> Money:
        return Money(self.amount.old_minor, self.currency)

    @property
    def new(self) -> Money:
        return Money(self.amount.new_minor, self.currency)

    @property
    def difference(self) -> Money:
        return Money(self.amount.difference_minor, self.currency)


@get(
    _SIMULATION, name="price_simulation", opt={"permission": BillingPermission.READ_PRICE_BOOKS, "fleet": True},
    include_in_schema=False,
)  # fmt: skip
async def show_simulation_page(access: OpenAccess, meters: KnownMeters, book_id: FromPath[UUID]) -> Response[Any]:
    return await _page(access, meters, await find_price_book(access.session, book_id), {})


@post(_SIMULATION, opt={"permission": BillingPermission.READ_PRICE_BOOKS}, include_in_schema=False)
async def simulate_page(
    request: Request[Any, Any, Any], access: OpenAccess, meters: KnownMeters, book_id: FromPath[UUID]
) -> Response[Any]:
    """The result below the form. Nothing is stored."""
    typed = await read_typed(request)
    found: list[Simulation] = []

    async def act() -> None:
        try:
            found.append((await run_simulation(access, meters, book_id, _read(typed))).result)
        except NotFound:
            if not typed.get("client"):
                raise
            raise InvalidInput(N_("There is no client with this short name."), field="client") from None

    refusal = await run_action(access.session, act())
    await access.enter_fleet()
    book = await find_price_book(access.session, book_id)
    return await _page(access, meters, book, typed, result=found[0] if found else None, refusal=refusal)


SIMULATION_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (show_simulation_page, simulate_page)


def _read(typed: Typed) -> SimulationInput:
    """Raises InvalidInput."""
    prices: list[DraftPrice] = []
    if typed.get("kind"):
        price = read_price(typed)
        shared = {name: getattr(price, name) for name in DraftPrice.__struct_fields__}
        prices.append(DraftPrice(**shared))
    return SimulationInput(
        month=typed.get("month", "")[:20], client=typed.get("client", "")[:100] or None, prices=prices,
        change_pct=read_change(typed, "change_pct") or Decimal(0),
    )  # fmt: skip


async def _page(  # noqa: PLR0913 - keyword-only
    access: Access,
    meters: Meters,
    book: PriceBookView,
    typed: Typed,
    *,
    result: Simulation | None = None,
    refusal: DomainError | None = None,
) -> Response[Any]:
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    kept = {name: value for name, value in typed.items() if name in _PRICE_FIELDS and value}
    # The price's own fields are on another page, so an error in them is shown above this one.
    at_field = field if field and field not in _PRICE_FIELDS else ""
    context = {
        "book": book,
        "title": await title_of(access, book),
        "typed": {"month": f"{last_month(access.now).start:%Y-%m}", **typed},
        "kept": kept if typed.get("kind") else {},
        "draft": _draft_in_words(typed, book.currency, meters),
        "errors": {at_field: refusal.detail} if refusal is not None and at_field else {},
        "refused": refusal if not at_field else None,
        "writes": book.side is Side.RETAIL and access.may(BillingPermission.WRITE_PRICE_BOOKS),
        **(await _result(access, meters, result) if result is not None else {"result": None}),
    }
    return render_page(access, "billing/price_simulation.html", translate("Simulation"), context, refusal=refusal)


def _draft_in_words(typed: Typed, currency: str, meters: Meters) -> str:
    """The price to try out; empty without one, or with an invalid one."""
    if not typed.get("kind"):
        return ""
    try:
        price = read_price(typed)
        terms = price.terms
    except DomainError:
        return ""
    tiers = [translate("{units} units: {price}", units=reach, price=amount) + (f" + {fee}" if fee else "")
             for reach, amount, fee in write_tiers(terms, currency)]  # fmt: skip
    tiers += [f"{values}: {amount}" for values, amount in write_cells(terms, currency)]
    parts = [", ".join(tiers) if tiers else write_price(terms, currency), write_limits(terms, currency)]
    return f"{meters.label_of(price.meter)}: {', '.join(filter(None, parts))}"


async def _result(access: Access, meters: Meters, result: Simulation) -> Mapping[str, object]:
    clients = result.by_client[:_SHOWN]
    names = await name_clients(access.session, [one.client_id for one in clients])
    return {
        "result": result,
        "total": SimulatedRow("", "", result, result.currency),
        "by_meter": [
            SimulatedRow(
                meters.label_of(one.meter), meters.write_quantity(one.meter, one.quantity), one, result.currency
            )
            for one in result.by_meter
        ],
        "by_client": [SimulatedRow(names.get(one.client_id, ""), "", one, result.currency) for one in clients],
        "more_clients": len(result.by_client) - len(clients),
    }
