"""Queries of assignments and comments."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from governance.assignments.items import subject_of
from governance.assignments.models import ItemAssignment, ItemComment
from governance.assignments.schemas import AssignedMember, CommentView
from governance.escalations.schemas import OpenItem


async def find_assignment(session: AsyncSession, item: OpenItem) -> AssignedMember | None:
    found = await session.scalar(
        select(ItemAssignment).where(
            ItemAssignment.tenant_id == scope_of(session).tenant_id, ItemAssignment.subject_id == subject_of(item)
        )
    )
    if found is None:
        return None
    return AssignedMember(found.member_id, found.name, found.assigned_at, found.assigned_by)


async def list_comments(session: AsyncSession, item: OpenItem) -> Sequence[CommentView]:
    """All comments of an item, the oldest first; `comment.MOST_COMMENTS` at most."""
    found = await session.scalars(
        select(ItemComment)
        .where(ItemComment.tenant_id == scope_of(session).tenant_id, ItemComment.subject_id == subject_of(item))
        .order_by(ItemComment.written_at, ItemComment.id)
    )
    return [CommentView(one.id, one.author_id, one.author, one.body, one.written_at) for one in found]
