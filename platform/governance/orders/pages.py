"""Pages of orders: the list, and one with its lines."""

from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from canonical.values import HiddenValue
from foundation.i18n.localizer import translate
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from governance.changes.order_view import describe_order
from governance.orders.lists import ORDERS
from governance.orders.queries import SEARCHED_ORDERS, list_order_channels, read_order
from governance.orders.routes import OrderNumber
from governance.orders.states import FulfilmentState
from governance.permissions import GovernancePermission
from governance.records.titles import load_titles
from governance.web.render import render_page
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

_READ: Final = {"permission": GovernancePermission.READ_CHANGES}
_ROOT: Final = "/clients/{client:str}/orders"


@get(_ROOT, opt=_READ, dependencies=ORDERS.page_parameters, include_in_schema=False)
async def list_orders_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, ORDERS, listed)
    options = {"channel": [("", translate("Any")), *await list_order_channels(access.session)]}
    context = {
        "listed": list_view(ORDERS, listed, found, f"{access.root}/orders", options=options),
        "states": _labels(),
        "looked_through": SEARCHED_ORDERS,
    }
    return render_page(access, "orders.html", translate("Orders"), context, refusal=listed.refusal)


@get(f"{_ROOT}/order", opt=_READ, include_in_schema=False)
async def show_order_page(access: OpenAccess, number: OrderNumber) -> Response[Any]:
    found = await read_order(access.session, number)
    order = describe_order(found.content)
    context = {
        "item": found.order,
        "email": "" if isinstance(found.content, HiddenValue) else found.content.email,
        "order": order,
        "states": _labels(),
        "titles": await load_titles(access.session, order.skus if order else ()),
    }
    return render_page(access, "order.html", translate("Order"), context)


def _labels() -> dict[str, str]:
    return {one.value: translate(one.label) for one in FulfilmentState}


ORDER_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_orders_page,
    export_page(ORDERS, _ROOT, opt=_READ),
    show_order_page,
)
