"""The API of a trading partner's own channels."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from governance.inputs import USUAL, check_limit
from governance.partner_channel.queries import (
    ChannelFigures,
    PropagationPage,
    ValuePage,
    list_propagations,
    list_shown,
    read_channel,
)
from governance.permissions import GovernancePermission
from tenants.routes import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_CHANNEL}
_ROOT: Final = "/api/v1/clients/{client:str}/channel"
_TAGS: Final = ["channel"]


@get(_ROOT, opt=_READ, tags=_TAGS)
async def api_channel(access: OpenAccess) -> ChannelFigures:
    """Return the state of the channels (paused, failing, late) and the figures of the last 24 hours."""
    return await read_channel(access.session, now=access.now)


@get(f"{_ROOT}/propagations", opt=_READ, tags=_TAGS)
async def api_channel_propagations(
    access: OpenAccess, cursor: FromQuery[UUID | None] = None, limit: FromQuery[int] = USUAL
) -> PropagationPage:
    """List propagations, newest change first; a partner sees those of its own channels."""
    return await list_propagations(access.session, now=access.now, cursor=cursor, limit=check_limit(limit))


@get(f"{_ROOT}/values", opt=_READ, tags=_TAGS)
async def api_channel_values(
    access: OpenAccess, cursor: FromQuery[str] = "", limit: FromQuery[int] = USUAL
) -> ValuePage:
    """List the values last read on the channels, by record."""
    return await list_shown(access.session, cursor=cursor, limit=check_limit(limit))


CHANNEL_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (api_channel, api_channel_propagations, api_channel_values)
