"""The API of orders."""

from typing import Annotated, Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from governance.orders.lists import ORDERS
from governance.orders.queries import read_order
from governance.orders.schemas import OrderDetail
from governance.permissions import GovernancePermission
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": GovernancePermission.READ_CHANGES}
_ROOT: Final = "/api/v1/clients/{client:str}/orders"
_TAGS: Final = ["orders"]
OrderNumber = Annotated[str, QueryParameter(description="The order's exact number.")]

ORDER_LIST: Final = list_route(
    ORDERS, _ROOT, opt=_READ, tags=_TAGS, about="List orders with their customer, total and state, newest first."
)


@get(f"{_ROOT}/order", opt=_READ, tags=_TAGS)
async def show_order(access: OpenAccess, number: OrderNumber) -> OrderDetail:
    """Return an order with its lines. Its number may have any characters, so it is a parameter of the query."""
    return await read_order(access.session, number)


ORDER_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (ORDER_LIST, show_order)
