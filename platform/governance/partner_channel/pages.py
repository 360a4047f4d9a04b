"""A trading partner's page. Excludes other channels, cost, policy and the people who decided."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from foundation.web.actions import try_list
from foundation.web.fragments import FRAGMENT
from governance.partner_channel.queries import ValuePage, list_propagations, list_shown, read_channel
from governance.permissions import GovernancePermission
from governance.records.titles import load_titles
from governance.web.render import render_page
from tenants.access import Access
from tenants.routes import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_CHANNEL}
_ROOT: Final = "/clients/{client:str}/channel"


@get(_ROOT, name="channel", opt=_READ, include_in_schema=False)
async def channel(access: OpenAccess, cursor: FromQuery[UUID | None] = None) -> Response[Any]:
    return render_page(access, "channel.html", "Your channel", await _way(access, cursor))


@get(f"{_ROOT}/rows", opt=_READ | FRAGMENT, include_in_schema=False)
async def channel_rows(access: OpenAccess, cursor: FromQuery[UUID | None] = None) -> Response[Any]:
    return render_page(access, "channel_rows.html", "Your channel", await _way(access, cursor))


@get(f"{_ROOT}/values", opt=_READ, include_in_schema=False)
async def channel_values(access: OpenAccess, cursor: FromQuery[str] = "") -> Response[Any]:
    values, refusal = await try_list(access.session, list_shown(access.session, cursor=cursor), ValuePage([]))
    titles = await load_titles(access.session, [one.record_key for one in values.items])
    context = {"values": values, "titles": titles, "cursor": cursor}
    return render_page(access, "channel_values.html", "Your channel", context, refusal=refusal)


async def _way(access: Access, cursor: UUID | None) -> dict[str, object]:
    found = await list_propagations(access.session, now=access.now, cursor=cursor)
    return {
        "figures": await read_channel(access.session, now=access.now),
        "found": found,
        "titles": await load_titles(access.session, [one.record_key for one in found.items]),
        "cursor": cursor,
    }


CHANNEL_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (channel, channel_rows, channel_values)
