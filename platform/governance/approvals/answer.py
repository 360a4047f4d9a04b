"""Answers to several approvals at once."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from governance.approvals.queries import find_subject
from governance.approvals.release import answer_change
from governance.inputs import check_text
from policy.approvals import require_reason


def answer_many(session: AsyncSession, *, grant: bool, reason: str, now: datetime) -> Callable[[UUID], Awaitable[None]]:
    """The action for each approval, bound to exactly the approval that was shown.

    Raises:
        InvalidInput: no reason for declining, or one that cannot be stored.
    """
    cleaned = check_text(reason, "reason")
    require_reason(grant=grant, reason=cleaned)

    async def answer(approval_id: UUID) -> None:
        change_id = await find_subject(session, approval_id)
        await answer_change(session, change_id, grant=grant, reason=cleaned, now=now, seen=approval_id)

    return answer
