"""The lists of members and invitations."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import ListQuery, ResultPage, Sort, SortKey
from tenants.members.invitation_queries import NEWEST_FIRST, list_invitations
from tenants.members.repository import BY_EMAIL, list_members
from tenants.members.schemas import MemberView, member_view

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


async def _load_members(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[MemberView]:
    return (await list_members(session, query)).map(lambda member: member_view(member, now))


async def _load_invitations(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[MemberView]:
    return (await list_invitations(session, query)).map(lambda member: member_view(member, now))


MEMBERS: Final = ListDefinition[MemberView](
    name="members",
    title=N_("Members"),
    item=MemberView,
    load=_load_members,
    usual=_USUAL,
    most=_MOST,
    filters=[
        TextFilter(
            name="search", label=N_("Name or address"), about="Part of the name or address, in upper or lower case."
        ),
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=[
                ("", N_("Any")),
                ("active", N_("Active")),
                ("invited", N_("Invited")),
                ("suspended", N_("Suspended")),
            ],
        ),
    ],
    sorts=[
        BY_EMAIL,
        Sort(
            name="-seen",
            label=N_("Last signed in first"),
            reverse_label=N_("Signed in longest ago first"),
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
    title=N_("Invitations"),
    item=MemberView,
    load=_load_invitations,
    usual=_USUAL,
    most=_MOST,
    sorts=[NEWEST_FIRST],
    columns=_MEMBER_COLUMNS,
)
