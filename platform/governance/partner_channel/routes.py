"""The API of a trading partner's own channels."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler

from governance.partner_channel.lists import CHANNEL_CHANGES, CHANNEL_PRODUCTS, CHANNEL_VALUES
from governance.partner_channel.queries import ChannelFigures, read_channel
from governance.permissions import GovernancePermission
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": GovernancePermission.READ_CHANNEL}
_ROOT: Final = "/api/v1/clients/{client:str}/channel"
_TAGS: Final = ["channel"]


@get(_ROOT, opt=_READ, tags=_TAGS)
async def show_channel(access: OpenAccess) -> ChannelFigures:
    """Return the state of the channels (paused, failing, late) and the figures of the last 24 hours."""
    return await read_channel(access.session, now=access.now)


CHANGE_LIST: Final = list_route(
    CHANNEL_CHANGES,
    f"{_ROOT}/propagations",
    opt=_READ,
    tags=_TAGS,
    about="List propagations, newest change first; a partner sees those of its own channels.",
)
VALUE_LIST: Final = list_route(
    CHANNEL_VALUES,
    f"{_ROOT}/values",
    opt=_READ,
    tags=_TAGS,
    about="List the values last read on the channels, by record.",
)
PRODUCT_LIST: Final = list_route(
    CHANNEL_PRODUCTS,
    f"{_ROOT}/products",
    opt=_READ,
    tags=_TAGS,
    about="List the products on each channel as buyers see them: name, price, stock and status.",
)
CHANNEL_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (show_channel, CHANGE_LIST, VALUE_LIST, PRODUCT_LIST)
