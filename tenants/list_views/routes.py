"""API of a member's saved views. Without a client in the path, of the MSP's staff."""

from typing import Annotated, Any, Final
from uuid import UUID

from litestar import get
from litestar.params import FromPath, JSONBody, QueryParameter

from foundation.errors import NotFound
from foundation.web.api import delete, post, put
from tenants.access import Access
from tenants.list_views.manage import delete_view, save_view
from tenants.list_views.queries import OWN, list_views
from tenants.list_views.schemas import ListViewInput, ListViewItem, ListViewItems
from tenants.principal import Principal
from tenants.web.dependencies import OpenAccess

_ROOTS: Final = ["/api/v1/list-views", "/api/v1/clients/{client:str}/list-views"]
_ONE: Final = [f"{path}/{{view_id:uuid}}" for path in _ROOTS]
_OPT: Final = {"permission": OWN}
_TAGS: Final = ["list-views"]


@get(_ROOTS, opt=_OPT, tags=_TAGS)
async def show_list_views(
    access: OpenAccess,
    of: Annotated[str, QueryParameter(name="list", description="Name of a list, such as `exceptions`.")] = "",
) -> ListViewItems:
    """Show the saved views that the caller, a member, may open: their own and those of the account."""
    return ListViewItems(await list_views(access.session, own_member(access), of))


@post(_ROOTS, opt=_OPT, tags=_TAGS, status_code=201)
async def create_list_view(access: OpenAccess, data: JSONBody[ListViewInput]) -> ListViewItem:
    """Save a view of a list for the caller, or for all members of the account."""
    return await save_view(access.session, own_member(access), data, now=access.now)


@put(_ONE, opt=_OPT, tags=_TAGS, status_code=200)
async def replace_list_view(access: OpenAccess, view_id: FromPath[UUID], data: JSONBody[ListViewInput]) -> ListViewItem:
    """Replace a saved view: its name, filters, order and columns, and whether it is shared or the default."""
    return await save_view(access.session, own_member(access), data, view_id=view_id, now=access.now)


@delete(_ONE, opt=_OPT, tags=_TAGS, status_code=204)
async def remove_list_view(access: OpenAccess, view_id: FromPath[UUID]) -> None:
    """Delete a saved view."""
    await delete_view(access.session, own_member(access), view_id, now=access.now)


LIST_VIEW_ROUTES: Final[tuple[Any, ...]] = (show_list_views, create_list_view, replace_list_view, remove_list_view)


def own_member(access: Access) -> Principal:
    """The caller, in their home account. Raises NotFound: a program, or a member of another account or a partner."""
    who = access.principal
    if who.kind != "member" or who.tenant_id != access.scope.tenant_id or who.partner_id is not None:
        raise NotFound
    return who
