"""The list of requests for access to a client."""

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition
from foundation.web.pagination import ListQuery, ResultPage, Sort, SortKey, select_page
from tenants.delegated_access.schemas import AccessView, access_view
from tenants.models import AccessGrant
from tenants.states import AccessState

_NEWEST_FIRST: Final = Sort(
    name="-requested",
    label=N_("Newest first"),
    reverse_label=N_("Oldest first"),
    keys=[SortKey("access_grant.id", "uuid", descending=True)],
)
"""By id: ids grow with time."""


async def list_access(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[AccessView]:
    statement = select(AccessGrant).where(AccessGrant.tenant_id == scope_of(session).tenant_id)
    if query.values.get("status"):
        statement = statement.where(AccessGrant.state == query["status"])
    return (await select_page(session, statement, query)).map(lambda grant: access_view(grant, now))


ACCESS_GRANTS: Final = ListDefinition[AccessView](
    name="access",
    title=N_("Access of the service provider's staff"),
    item=AccessView,
    load=list_access,
    usual=50,
    most=200,
    filters=[
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=[("", N_("Any")), *((str(state), state.label) for state in AccessState)],
        )
    ],
    sorts=[_NEWEST_FIRST],
    columns=[
        "id", "member", "role", "reason", "hours", "state", "requested_at", "decided_at", "decided_by", "ends_at",
        "used_at", "ended_at", "ended_by",
    ],
)  # fmt: skip
