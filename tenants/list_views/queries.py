"""Queries of saved views: those that a member may open."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.web.saved_views import ListViews, SavedView
from tenants.list_views.models import DefaultListView, SavedListView
from tenants.list_views.schemas import ListViewItem
from tenants.permissions import TenantPermission
from tenants.principal import Principal

OWN: Final = TenantPermission.READ_NOTIFICATIONS
"""Permission for one's own views: every packaged role of members has it."""
SHARE: Final = TenantPermission.INVITE_MEMBERS
"""Permission for views of the whole account: that of administrators."""


async def list_views(session: AsyncSession, principal: Principal, of: str = "") -> Sequence[ListViewItem]:
    """The member's own views and those of the account, by list and name; of the list `of` only, if given. The scope is
    the member's home.
    """
    own = and_(
        DefaultListView.tenant_id == SavedListView.tenant_id,
        DefaultListView.view_id == SavedListView.id,
        DefaultListView.member_id == principal.id,
    )
    found = (
        select(SavedListView, DefaultListView.view_id.is_not(None).label("is_default"))
        .outerjoin(DefaultListView, own)
        .where(
            SavedListView.tenant_id == scope_of(session).tenant_id,
            or_(SavedListView.member_id == principal.id, SavedListView.is_shared),
            *([SavedListView.list_name == of] if of else []),
        )
        .order_by(SavedListView.list_name, SavedListView.name, SavedListView.id)
    )
    return [_item(row, principal, is_default=is_default) for row, is_default in await session.execute(found)]


def _item(row: SavedListView, principal: Principal, *, is_default: bool) -> ListViewItem:
    return ListViewItem(
        id=row.id, list=row.list_name, name=row.name, filters=row.filters, sort=row.sort, columns=row.columns,
        shared=row.is_shared, default=is_default, own=row.member_id == principal.id, saved_at=row.saved_at,
        saved_by=row.saved_by,
    )  # fmt: skip


async def load_page_views(session: AsyncSession, principal: Principal, name: str, csrf_token: str) -> ListViews | None:
    """The member's views of the list of this name; None without a name, and for callers without views: API keys and
    users of partners. The scope is the member's home.
    """
    if not name or principal.kind != "member" or principal.partner_id is not None or not principal.may(OWN):
        return None
    if scope_of(session).tenant_id != principal.tenant_id:  # of staff who look as a member
        return None
    found = await list_views(session, principal, name)
    root = "" if principal.home is None else f"/clients/{principal.home.slug}"
    views = [
        SavedView(
            id=one.id, name=one.name, values=one.filters, sort=one.sort, columns=one.columns, is_shared=one.shared,
            is_own=one.own, is_default=one.default,
        )
        for one in found
    ]  # fmt: skip
    return ListViews(
        address=f"{root}/list-views", csrf_token=csrf_token, may_share=principal.may(SHARE), views=views
    )  # fmt: skip
