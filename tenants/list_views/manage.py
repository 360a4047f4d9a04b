"""Saving, changing and deleting of views."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Forbidden, InvalidInput, NotFound
from foundation.ids import new_id
from foundation.marks import N_
from foundation.text import NOT_STORABLE, is_storable
from tenants.list_views.audit_actions import ListViewAction
from tenants.list_views.models import DefaultListView, SavedListView
from tenants.list_views.queries import SHARE, list_views
from tenants.list_views.schemas import LONGEST_NAME, ListViewInput, ListViewItem
from tenants.members.repository import get_member
from tenants.principal import Principal

MOST: Final = 50
"""Views of one list that a member may save."""


async def save_view(
    session: AsyncSession, principal: Principal, wanted: ListViewInput, *, now: datetime, view_id: UUID | None = None
) -> ListViewItem:
    """Save a view, or replace the one of this id. The scope is the member's home; views of one member are saved one
    after another.

    Raises:
        NotFound: the member may not open such a view.
        InvalidInput: the name is taken or unfit, or the member has enough views of this list.
        Forbidden: the view is or becomes shared, and the member may not share.
    """
    await get_member(session, principal.id, lock=True)
    before = None if view_id is None else await _find(session, principal, view_id)
    name = _checked(wanted)
    if wanted.shared or (before is not None and before.is_shared):
        _require_share(principal)
    if before is not None and before.list_name != wanted.list:
        raise InvalidInput(N_("A view belongs to its list."), field="list")
    await _check_room(session, principal if before is None else before, wanted.list, name, before)
    values = {
        "name": name, "is_shared": wanted.shared, "filters": wanted.filters, "sort": wanted.sort,
        "columns": [*wanted.columns], "saved_at": now, "saved_by": principal.name,
    }  # fmt: skip
    was_shared = before is not None and before.is_shared
    if before is None:
        scope = scope_of(session)
        own = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "id": new_id(), "member_id": principal.id}
        row = SavedListView(**own, list_name=wanted.list, **values)
        session.add(row)
    else:
        row = before
        for field, value in values.items():
            setattr(row, field, value)
    await session.flush()
    if was_shared and not wanted.shared:
        await _forget_default(session, row, keep=row.member_id)
    await _set_default(session, principal, row, wanted=wanted.default)
    _audit(session, row, was_shared=was_shared, now=now)
    return next(one for one in await list_views(session, principal, wanted.list) if one.id == row.id)


async def delete_view(session: AsyncSession, principal: Principal, view_id: UUID, *, now: datetime) -> None:
    """Raises: NotFound, or Forbidden for a shared view that the member may not change."""
    row = await _find(session, principal, view_id)
    if row.is_shared:
        _require_share(principal)
        append_audit(session, action=ListViewAction.DELETED, subject=f"list_view:{row.id}", data=_facts(row), at=now)
    await _forget_default(session, row)
    await session.execute(
        delete(SavedListView).where(SavedListView.tenant_id == row.tenant_id, SavedListView.id == row.id)
    )


async def choose_default(session: AsyncSession, principal: Principal, view_id: UUID, *, wanted: bool) -> None:
    """Set the view as the member's default of its list, or unset it. Raises: NotFound."""
    await _set_default(session, principal, await _find(session, principal, view_id), wanted=wanted)


async def _find(session: AsyncSession, principal: Principal, view_id: UUID) -> SavedListView:
    found = await session.scalar(
        select(SavedListView).where(
            SavedListView.tenant_id == scope_of(session).tenant_id,
            SavedListView.id == view_id,
            (SavedListView.member_id == principal.id) | SavedListView.is_shared,
        )
    )
    if found is None:
        raise NotFound
    return found


def _checked(wanted: ListViewInput) -> str:
    """The name without blanks around it."""
    name = wanted.name.strip()
    texts = (name, wanted.sort, *wanted.filters.keys(), *wanted.filters.values())
    if not name or len(name) > LONGEST_NAME:
        raise InvalidInput(
            N_("Give the view a name of at most {most} characters."), params={"most": LONGEST_NAME}, field="name"
        )
    if any("\x00" in one or not is_storable(one) for one in texts):
        raise InvalidInput(NOT_STORABLE, field="name")
    return name


def _require_share(principal: Principal) -> None:
    if not principal.may(SHARE):
        raise Forbidden(N_("Views of the whole account are saved and changed by those who may invite members."))


async def _check_room(
    session: AsyncSession, owner: Principal | SavedListView, of: str, name: str, before: SavedListView | None
) -> None:
    member_id = owner.id if isinstance(owner, Principal) else owner.member_id
    own = (
        SavedListView.tenant_id == scope_of(session).tenant_id,
        SavedListView.member_id == member_id,
        SavedListView.list_name == of,
    )
    others = () if before is None else (SavedListView.id != before.id,)
    if await session.scalar(select(SavedListView.id).where(*own, *others, SavedListView.name == name)):
        raise InvalidInput(N_("A view of this list already has this name. Choose another."), field="name")
    if before is None and (await session.scalar(select(func.count()).where(*own)) or 0) >= MOST:
        raise InvalidInput(
            N_("A member can save {most} views of a list. Delete one first."), params={"most": MOST}, field="name"
        )


async def _set_default(session: AsyncSession, principal: Principal, row: SavedListView, *, wanted: bool) -> None:
    scope = scope_of(session)
    own = {"tenant_id": scope.tenant_id, "member_id": principal.id, "list_name": row.list_name}
    if wanted:
        statement = insert(DefaultListView).values(**own, msp_id=scope.msp_id, view_id=row.id)
        key = ["tenant_id", "member_id", "list"]
        await session.execute(statement.on_conflict_do_update(index_elements=key, set_={"view_id": row.id}))
        return
    await session.execute(
        delete(DefaultListView).where(
            DefaultListView.tenant_id == scope.tenant_id,
            DefaultListView.member_id == principal.id,
            DefaultListView.list_name == row.list_name,
            DefaultListView.view_id == row.id,
        )
    )


async def _forget_default(session: AsyncSession, row: SavedListView, *, keep: UUID | None = None) -> None:
    """Unset the view as the default of all members but `keep`."""
    others = () if keep is None else (DefaultListView.member_id != keep,)
    own = (DefaultListView.tenant_id == row.tenant_id, DefaultListView.view_id == row.id)
    await session.execute(delete(DefaultListView).where(*own, *others))


def _audit(session: AsyncSession, row: SavedListView, *, was_shared: bool, now: datetime) -> None:
    if not (row.is_shared or was_shared):
        return
    action = ListViewAction.CHANGED if was_shared else ListViewAction.SHARED
    if not row.is_shared:
        action = ListViewAction.WITHDRAWN
    append_audit(session, action=action, subject=f"list_view:{row.id}", data=_facts(row), at=now)


def _facts(row: SavedListView) -> dict[str, Any]:
    names = ("name", "filters", "sort", "columns")
    return {"list": row.list_name, **{name: getattr(row, name) for name in names}}
