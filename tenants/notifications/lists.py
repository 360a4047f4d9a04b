"""The list of a member's own notifications."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition
from foundation.web.pagination import ListQuery, ResultPage, Sort, SortKey, select_page
from tenants.models import Notification
from tenants.notifications.manage import notification_view
from tenants.notifications.schemas import NotificationView

NEWEST_FIRST: Final = Sort(
    name="-happened",
    label=N_("Newest first"),
    reverse_label=N_("Oldest first"),
    keys=[
        SortKey("notification.happened_at", "timestamptz", descending=True),
        SortKey("notification.id", "uuid", descending=True),
    ],
)


async def list_own(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[NotificationView]:
    """Notifications of the acting member only, regardless of the permission for the list."""
    scope = scope_of(session)
    member_id = UUID(scope.actor.id) if scope.actor.kind == "member" else None
    statement = select(Notification).where(
        Notification.tenant_id == scope.tenant_id, Notification.member_id == member_id
    )
    if query.values.get("status"):
        unread = Notification.read_at.is_(None)
        statement = statement.where(unread if query["status"] == "unread" else ~unread)
    return (await select_page(session, statement, query)).map(notification_view)


NOTIFICATIONS: Final = ListDefinition[NotificationView](
    name="notifications",
    title=N_("Notifications"),
    item=NotificationView,
    load=list_own,
    usual=50,
    most=200,
    filters=[
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=[("", N_("Any")), ("unread", N_("Not read")), ("read", N_("Read"))],
        )
    ],
    sorts=[NEWEST_FIRST],
    columns=["happened_at", "severity", "kind", "text", "account", "number", "href", "read_at"],
)
