"""A trading partner's page. Excludes other channels, cost, policy and the people who decided."""

from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from foundation.i18n.localizer import translate
from foundation.web.fragments import FRAGMENT
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from governance.partner_channel.lists import CHANNEL_CHANGES, CHANNEL_VALUES
from governance.partner_channel.queries import read_channel
from governance.permissions import GovernancePermission
from governance.records.titles import load_titles
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

_READ: Final = {"permission": GovernancePermission.READ_CHANNEL}
_ROOT: Final = "/clients/{client:str}/channel"
_VALUES: Final = f"{_ROOT}/values"


@get(_ROOT, name="channel", opt=_READ, dependencies=CHANNEL_CHANGES.page_parameters, include_in_schema=False)
async def list_channel_changes_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return render_page(
        access, "channel.html", translate("Your channel"), await _changes(access, listed), refusal=listed.refusal
    )


@get(f"{_ROOT}/rows", opt=_READ | FRAGMENT, dependencies=CHANNEL_CHANGES.page_parameters, include_in_schema=False)
async def list_channel_changes_fragment(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    context = await _changes(access, listed)
    return render_page(access, "channel_rows.html", translate("Your channel"), context, refusal=listed.refusal)


@get(_VALUES, opt=_READ, dependencies=CHANNEL_VALUES.page_parameters, include_in_schema=False)
async def list_channel_values_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, CHANNEL_VALUES, listed)
    context = {
        "listed": list_view(CHANNEL_VALUES, listed, found, f"{access.root}/channel/values"),
        "titles": await load_titles(access.session, [one.record_key for one in found.items]),
    }
    return render_page(access, "channel_values.html", translate("Your channel"), context, refusal=listed.refusal)


async def _changes(access: Access, listed: ListInput) -> dict[str, object]:
    found = await load_page(access, CHANNEL_CHANGES, listed)
    return {
        "figures": await read_channel(access.session, now=access.now),
        "listed": list_view(CHANNEL_CHANGES, listed, found, f"{access.root}/channel"),
        "titles": await load_titles(access.session, [one.record_key for one in found.items]),
    }


CHANNEL_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_channel_changes_page,
    export_page(CHANNEL_CHANGES, _ROOT, opt=_READ),
    list_channel_changes_fragment,
    list_channel_values_page,
    export_page(CHANNEL_VALUES, _VALUES, opt=_READ),
)
