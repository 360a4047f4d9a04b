"""Use case: a comment on an approval or exception, open or closed."""

from datetime import datetime
from typing import Final

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput
from foundation.ids import NewId
from foundation.marks import N_
from foundation.text import has_visible_text
from governance.assignments.audit_actions import AssignmentAction
from governance.assignments.items import audit_subject, subject_of
from governance.assignments.models import ItemComment
from governance.assignments.schemas import CommentView
from governance.escalations.schemas import OpenItem
from governance.inputs import check_text

MOST_COMMENTS: Final = 200
"""Comments of one item, which its page shows all."""


async def add_comment(session: AsyncSession, item: OpenItem, text: str, *, now: datetime, new_id: NewId) -> CommentView:
    """Store a comment, and return it.

    Raises:
        InvalidInput: nothing visible, more than 2,000 characters, or text that cannot be stored.
        Conflict: the item has as many comments as it may have.
    """
    body, scope, comment_id = check_text(text, "text"), scope_of(session), new_id()
    if not has_visible_text(body):
        raise InvalidInput(N_("Write a comment."), field="text")
    own = (ItemComment.tenant_id == scope.tenant_id) & (ItemComment.subject_id == subject_of(item))
    if (await session.scalar(select(func.count()).where(own)) or 0) >= MOST_COMMENTS:
        raise Conflict(N_("This has {most} comments, the most that are kept."), params={"most": MOST_COMMENTS})
    await session.execute(
        insert(ItemComment).values(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=comment_id, subject_id=subject_of(item),
            about=str(item.about), author_id=scope.actor.id, author=scope.actor.name, body=body, written_at=now,
        )
    )  # fmt: skip
    data = {"comment_id": str(comment_id)}
    append_audit(session, action=AssignmentAction.COMMENT_ADDED, subject=audit_subject(item), data=data, at=now)
    return CommentView(comment_id, scope.actor.id, scope.actor.name, body, now)
