"""Page of one client's prices, on which its MSP sets the client's own. The client's members do not see it."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from billing.client_prices.prices import PricedClient, load_client_prices, set_client_price
from billing.permissions import BillingPermission
from billing.price_books.forms import read_price
from billing.price_books.pricing import PriceKind
from billing.price_books.version import read_own_version, require_own_version
from billing.web.dependencies import KnownMeters
from billing.web.forms import read_typed
from foundation.errors import DomainError, NotFound
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.usage.meters import Meters
from foundation.web.actions import run_action
from foundation.web.etags import version_in
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
Typed = Mapping[str, str]
_ROOT: Final = "/clients/{client:str}/prices"
_READ: Final = {"permission": BillingPermission.READ_PRICE_BOOKS}
_WRITE: Final = {"permission": BillingPermission.WRITE_PRICE_BOOKS}


@get(_ROOT, name="client-prices", opt=_READ, include_in_schema=False)
async def show_client_prices_page(access: OpenAccess, meters: KnownMeters) -> Response[Any]:
    return await _page(access, meters, {})


@post(_ROOT, opt=_WRITE, include_in_schema=False)
async def set_client_price_page(request: AnyRequest, access: OpenAccess, meters: KnownMeters) -> Response[Any]:
    """Set a price of the client's own. It is a row of the MSP account."""
    typed = await read_typed(request)
    client = access.require_client()
    try:
        meter = meters.require(typed.get("meter", ""))
        wanted = read_price({**typed, "kind": PriceKind.PER_UNIT.value})
        terms = wanted.terms
    except DomainError as wrong:
        return await _page(access, meters, typed, wrong)
    priced = PricedClient(client.tenant_id, client.currency)
    await access.enter_home()

    async def act() -> None:
        await require_own_version(access.session, client.tenant_id, version_in(typed))
        await set_client_price(
            access.session, priced, meter=meter.name, description=typed.get("description", "") or meter.label,
            terms=terms, valid_from=wanted.valid_from, now=access.now, new_id=new_id,
        )  # fmt: skip

    refusal = await run_action(access.session, act())
    if refusal is not None:
        return await _page(access, meters, typed, refusal)
    return redirect_to(access, "/prices", done=translate("Price set"))


CLIENT_PRICE_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (show_client_prices_page, set_client_price_page)


async def _page(access: Access, meters: Meters, typed: Typed, refusal: DomainError | None = None) -> Response[Any]:
    client = access.require_client()
    if not access.principal.is_staff:
        raise NotFound
    await access.enter_fleet()
    found = await load_client_prices(access.session, client.tenant_id, now=access.now)
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    context = {
        "prices": found,
        "own_book": found.own[0].book_id if found.own else None,
        "own_meters": {one.meter for one in found.own},
        "currency": found.own[0].currency if found.own else client.currency,
        "meters": [(one.name, translate(one.label)) for one in meters],
        "meter_labels": meters.label_of,
        "typed": typed,
        "version": version_in(typed) or await read_own_version(access.session, client.tenant_id),
        "errors": {} if refusal is None or not field else {field: refusal.detail},
        "refused": refusal if not field else None,
    }
    return render_page(access, "billing/client_prices.html", translate("Prices"), context, refusal=refusal)
