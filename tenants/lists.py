"""The lists of clients and API keys."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition
from foundation.web.pagination import ListQuery, ResultPage
from tenants.accounts import BY_SLUG, list_clients
from tenants.auth.api_keys import NEWEST_KEY_FIRST, list_api_keys
from tenants.schemas import ApiKeyView, ClientView, api_key_view, client_view

_USUAL: Final = 100
_MOST: Final = 500


async def _load_clients(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ClientView]:
    return (await list_clients(session, query)).map(client_view)


async def _load_api_keys(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ApiKeyView]:
    return (await list_api_keys(session, query)).map(api_key_view)


CLIENTS: Final = ListDefinition[ClientView](
    name="clients",
    title=N_("Clients"),
    item=ClientView,
    load=_load_clients,
    usual=_USUAL,
    most=_MOST,
    filters=[
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=[("", N_("Any")), ("active", N_("Active")), ("suspended", N_("Suspended"))],
        )
    ],
    sorts=[BY_SLUG],
    columns=[
        "id",
        "slug",
        "name",
        "status",
        "currency",
        "created_at",
        "language",
        "time_zone",
        "region",
        "environment",
    ],
)
API_KEYS: Final = ListDefinition[ApiKeyView](
    name="api-keys",
    title=N_("API keys"),
    item=ApiKeyView,
    load=_load_api_keys,
    usual=_USUAL,
    most=_MOST,
    filters=[
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=[("", N_("Any")), ("active", N_("Active")), ("expired", N_("Expired")), ("revoked", N_("Revoked"))],
        )
    ],
    sorts=[NEWEST_KEY_FIRST],
    columns=[
        "id",
        "name",
        "role",
        "manages_access",
        "created_at",
        "created_by",
        "last_used_at",
        "revoked_at",
        "use",
        "expires_at",
    ],
)
