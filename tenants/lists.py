"""The lists of clients, members, invitations and API keys."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import ListQuery, ResultPage, Sort, SortKey
from tenants.accounts import BY_SLUG, list_clients
from tenants.auth.api_keys import NEWEST_KEY_FIRST, list_api_keys
from tenants.invitations.queries import NEWEST_FIRST, list_invitations
from tenants.members.repository import BY_EMAIL, list_members
from tenants.schemas import ApiKeyView, ClientView, MemberView, api_key_view, client_view, member_view

_USUAL: Final = 100
_MOST: Final = 500
_MEMBER_COLUMNS: Final = [
    "id",
    "email",
    "name",
    "status",
    "partner_id",
    "created_at",
    "last_seen_at",
    "invitation",
    "invitation_until",
]


async def _load_clients(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ClientView]:
    return (await list_clients(session, query)).map(client_view)


async def _load_members(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[MemberView]:
    return (await list_members(session, query)).map(lambda member: member_view(member, now))


async def _load_invitations(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[MemberView]:
    return (await list_invitations(session, query)).map(lambda member: member_view(member, now))


async def _load_api_keys(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ApiKeyView]:
    return (await list_api_keys(session, query)).map(api_key_view)


CLIENTS: Final = ListDefinition[ClientView](
    name="clients",
    title="Clients",
    item=ClientView,
    load=_load_clients,
    usual=_USUAL,
    most=_MOST,
    filters=[
        ChoiceFilter(
            name="status", label="State", options=[("", "Any"), ("active", "Active"), ("suspended", "Suspended")]
        )
    ],
    sorts=[BY_SLUG],
    columns=["id", "slug", "name", "status", "currency", "created_at"],
)
MEMBERS: Final = ListDefinition[MemberView](
    name="members",
    title="Members",
    item=MemberView,
    load=_load_members,
    usual=_USUAL,
    most=_MOST,
    filters=[
        TextFilter(name="search", label="Name or address", about="A part of the name or the address, in any case."),
        ChoiceFilter(
            name="status",
            label="State",
            options=[("", "Any"), ("active", "Active"), ("invited", "Invited"), ("suspended", "Suspended")],
        ),
    ],
    sorts=[
        BY_EMAIL,
        Sort(
            name="-seen",
            label="Last signed in first",
            reverse_label="Longest away first",
            keys=[
                SortKey("coalesce(member.last_seen_at, to_timestamp(0))", "timestamptz", descending=True),
                SortKey("member.id", "uuid", descending=True),
            ],
        ),
    ],
    columns=_MEMBER_COLUMNS,
)
INVITATIONS: Final = ListDefinition[MemberView](
    name="invitations",
    title="Invitations",
    item=MemberView,
    load=_load_invitations,
    usual=_USUAL,
    most=_MOST,
    sorts=[NEWEST_FIRST],
    columns=_MEMBER_COLUMNS,
)
API_KEYS: Final = ListDefinition[ApiKeyView](
    name="api-keys",
    title="API keys",
    item=ApiKeyView,
    load=_load_api_keys,
    usual=_USUAL,
    most=_MOST,
    filters=[
        ChoiceFilter(name="status", label="State", options=[("", "Any"), ("active", "Active"), ("revoked", "Revoked")])
    ],
    sorts=[NEWEST_KEY_FIRST],
    columns=["id", "name", "role", "manages_access", "created_at", "created_by", "last_used_at", "revoked_at"],
)
