"""The API of this room. Without a client in the path, keys are those of the MSP's house."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from foundation.errors import InvalidInput
from foundation.ids import new_id
from tenants.access import Access
from tenants.accounts import list_clients
from tenants.api_keys import NewApiKey, create_api_key, list_api_keys, revoke_api_key
from tenants.pages import OpenDoor
from tenants.permissions import TenantPermission
from tenants.schemas import (
    ApiKeyInput,
    ApiKeyList,
    ClientList,
    NewApiKeyView,
    api_key_view,
    client_view,
)

OpenAccess = NamedDependency[Access]
"""A handler's parameter called `access`, filled by the edge, which has asked for `opt["permission"]` before."""

_KEYS: Final = ["/api/v1/api-keys", "/api/v1/clients/{client:str}/api-keys"]
_KEY: Final = [f"{path}/{{key_id:uuid}}" for path in _KEYS]
_MOST: Final = 500


@get("/api/v1/clients", opt={"permission": TenantPermission.READ_CLIENTS, "fleet": True}, tags=["clients"])
async def get_clients(access: OpenAccess, after: FromQuery[str] = "", limit: FromQuery[int] = 100) -> ClientList:
    """Your clients by short name."""
    if not 1 <= limit <= _MOST:
        raise InvalidInput(f"A page has 1 to {_MOST} clients.", field="limit")
    clients = await list_clients(access.session, after=after, limit=limit)
    following = clients[-1].slug if len(clients) == limit else ""
    return ClientList([client_view(client) for client in clients], following)


@get(_KEYS, opt={"permission": TenantPermission.READ_API_KEYS}, tags=["API keys"])
async def get_api_keys(access: OpenAccess) -> ApiKeyList:
    """Keys of this account, without their secrets."""
    return ApiKeyList([api_key_view(key) for key in await list_api_keys(access.session)])


@post(_KEYS, opt={"permission": TenantPermission.WRITE_API_KEYS}, tags=["API keys"])
async def post_api_key(access: OpenAccess, door: OpenDoor, data: JSONBody[ApiKeyInput]) -> Response[NewApiKeyView]:
    """Make a key. Its text is in this answer only."""
    wanted = NewApiKey(new_id(), data.name, data.role)
    key, text = await create_api_key(access.session, door.new_secret, wanted, by=access.principal, now=access.now)
    return Response(NewApiKeyView(api_key_view(key), text), headers={"Cache-Control": "no-store"})


@delete(_KEY, opt={"permission": TenantPermission.WRITE_API_KEYS}, tags=["API keys"])
async def delete_api_key(access: OpenAccess, key_id: FromPath[UUID]) -> None:
    """Revoke a key: it is refused from now on, and stays listed."""
    await revoke_api_key(access.session, key_id=key_id, now=access.now)


ROUTES: Final[tuple[Any, ...]] = (get_clients, get_api_keys, post_api_key, delete_api_key)
