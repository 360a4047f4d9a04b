"""A trading partner's page. Excludes other channels, cost, policy and the people who decided."""

from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from foundation.i18n.localizer import translate
from foundation.web.fragments import FRAGMENT
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from governance.partner_channel.lists import CHANNEL_CHANGES, CHANNEL_PRODUCTS, CHANNEL_VALUES
from governance.partner_channel.queries import list_channels, read_channel
from governance.partner_channel.schemas import ListingState
from governance.permissions import GovernancePermission
from governance.records.titles import load_titles
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

_READ: Final = {"permission": GovernancePermission.READ_CHANNEL}
_ROOT: Final = "/clients/{client:str}/channel"
_VALUES: Final = f"{_ROOT}/values"
_PRODUCTS: Final = f"{_ROOT}/products"


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
    options = {"channel": [("", translate("Any")), *await list_channels(access.session)]}
    title = translate("Your channel") if access.principal.partner_id else translate("Current values")
    context = {
        "listed": list_view(CHANNEL_VALUES, listed, found, f"{access.root}/channel/values", options=options),
        "is_partner": bool(access.principal.partner_id),
        "titles": await load_titles(access.session, [one.record_key for one in found.items]),
    }
    return render_page(access, "channel_values.html", title, context, refusal=listed.refusal)


@get(_PRODUCTS, opt=_READ, dependencies=CHANNEL_PRODUCTS.page_parameters, include_in_schema=False)
async def list_channel_products_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, CHANNEL_PRODUCTS, listed)
    options = {"channel": [("", translate("Any")), *await list_channels(access.session)]}
    title = translate("Your channel") if access.principal.partner_id else translate("Catalogue")
    context = {
        "listed": list_view(CHANNEL_PRODUCTS, listed, found, f"{access.root}/channel/products", options=options),
        "is_partner": bool(access.principal.partner_id),
        "states": {one.value: translate(one.label) for one in ListingState},
    }
    return render_page(access, "channel_products.html", title, context, refusal=listed.refusal)


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
    list_channel_products_page,
    export_page(CHANNEL_PRODUCTS, _PRODUCTS, opt=_READ),
    export_page(CHANNEL_VALUES, _VALUES, opt=_READ),
)
