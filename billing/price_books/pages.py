"""Page of the MSP's prices: those of all price books, current and future."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from billing.permissions import BillingPermission
from billing.price_books.book_pages import PRICE_BOOK_PAGES
from billing.price_books.lists import PRICES
from foundation.i18n.localizer import translate
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from foundation.web.render import render_page
from tenants.accounts import name_clients
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

_PRICES: Final = "/prices"
_READ: Final = {"permission": BillingPermission.READ_PRICE_BOOKS, "fleet": True}


@get(_PRICES, name="prices", opt=_READ, dependencies=PRICES.page_parameters, include_in_schema=False)
async def list_prices_page(access: OpenAccess, listed: ListParameters) -> Template:
    found = await load_page(access, PRICES, listed)
    clients = {price.client_id for price in found.items if price.client_id is not None}
    context = {
        "listed": list_view(PRICES, listed, found, f"{access.root}{_PRICES}"),
        "clients": await name_clients(access.session, clients),
    }
    return render_page(access, "billing/prices.html", translate("Prices"), context, refusal=listed.refusal)


PRICE_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_prices_page, export_page(PRICES, _PRICES, opt=_READ), *PRICE_BOOK_PAGES,
)  # fmt: skip
