"""Answers to approvals, each bound to the data that was displayed."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.marks import N_
from governance.approvals.explanation import content_now
from governance.approvals.queries import find_subject
from governance.approvals.release import answer_change, renew_approval
from governance.approvals.schemas import AnswerInput
from governance.changes.locking import lock_changes
from governance.changes.planner import strictest_decision
from governance.changes.states import ChangeState
from governance.errors import ApprovalOutdated
from governance.inputs import check_text
from governance.services import GovernanceServices
from policy.approvals import find_approval, require_reason
from policy.rules import PolicyOutcome


async def answer_displayed(
    session: AsyncSession, services: GovernanceServices, change_id: UUID, answer: AnswerInput, *, now: datetime
) -> None:
    """Approve or decline exactly what was displayed: the approval `approval_id`, on the data of `content`.

    Raises:
        ApprovalOutdated: the data, the policy or the channels have changed since.
        NotFound, NotAwaiting, OwnApproval, …: see `answer_change`.
    """
    reason, displayed = check_text(answer.reason, "reason"), answer.approval_id
    if answer.content:
        displayed = await _check_content(session, services, change_id, answer)
    await answer_change(session, change_id, grant=answer.grant, reason=reason, now=now, seen=displayed)


async def _check_content(
    session: AsyncSession, services: GovernanceServices, change_id: UUID, answer: AnswerInput
) -> UUID | None:
    """Return the id of the approval to answer. If it was requested on other data than the displayed, it is renewed
    first, so that the answer holds for the displayed data. Raises ApprovalOutdated.
    """
    changes, snapshot = await lock_changes(session, services, [change_id])
    change = next(iter(changes), None)
    if change is None or change.approval_id is None or change.state != ChangeState.AWAITING_APPROVAL:
        return answer.approval_id
    if answer.approval_id not in {None, change.approval_id}:
        return answer.approval_id
    content = content_now(change, snapshot)
    if content != answer.content:
        raise ApprovalOutdated(
            N_(
                "The value, its cost, its channels or the policy changed since you opened this. Review it again, then"
                " answer."
            )
        )
    requested = await find_approval(session, scope_of(session), approval_id=change.approval_id)
    if not answer.grant or requested.content_hash.hex() == content:
        return answer.approval_id
    decision = strictest_decision(change, snapshot.values[change.key], snapshot)
    if decision.outcome is not PolicyOutcome.REVIEW:
        return answer.approval_id  # the release job decides again, and publishes or refuses
    return await renew_approval(session, change, decision, snapshot)


def answer_many(session: AsyncSession, *, grant: bool, reason: str, now: datetime) -> Callable[[UUID], Awaitable[None]]:
    """Return the action for each approval, bound to the approval that was displayed.

    Raises:
        InvalidInput: no reason for declining, or one that cannot be stored.
    """
    cleaned = check_text(reason, "reason")
    require_reason(grant=grant, reason=cleaned)

    async def answer(approval_id: UUID) -> None:
        change_id = await find_subject(session, approval_id)
        await answer_change(session, change_id, grant=grant, reason=cleaned, now=now, seen=approval_id)

    return answer
