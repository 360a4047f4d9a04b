"""The API of the search."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from foundation.rooms import Rooms
from governance.search.pages import OF_CLIENT, OF_MSP
from governance.search.read import LONGEST, SearchItem, search_account
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

_TAGS: Final = ["search"]
Wanted = Annotated[
    str, QueryParameter(description=f"A part of a name or key; only the first {LONGEST} characters count.")
]


class SearchResult(msgspec.Struct, frozen=True):
    """At most eight items of each kind. Those of kinds that the caller may not read are left out."""

    items: Sequence[SearchItem]


def build_search_routes(rooms: Rooms) -> tuple[HTTPRouteHandler, ...]:
    @get("/api/v1/search", opt=OF_MSP, tags=_TAGS)
    async def search_msp(access: OpenAccess, q: Wanted = "") -> SearchResult:
        """Search all clients of the MSP, and its own members and invoices."""
        return await _search(rooms, access, q)

    @get("/api/v1/clients/{client:str}/search", opt=OF_CLIENT, tags=_TAGS)
    async def search_client(access: OpenAccess, q: Wanted = "") -> SearchResult:
        """Search one client's records, approvals, exceptions, connections, members and invoices."""
        return await _search(rooms, access, q)

    return (search_msp, search_client)


async def _search(rooms: Rooms, access: Access, wanted: str) -> SearchResult:
    found = await search_account(rooms, access, wanted)
    return SearchResult([item for group in found for item in group.items])
