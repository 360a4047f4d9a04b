"""Publication at a later time: a draft is scheduled, comes into force by a timer, and can be withdrawn before."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.database.savepoint import savepoint
from foundation.errors import DomainError, Forbidden, InvalidInput, NotFound
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import set_timer
from foundation.jobs.registry import Handler
from foundation.jobs.repair import ensure_timer
from foundation.jobs.types import NoPayload
from foundation.marks import N_
from governance.notices import POLICY_NOT_PUBLISHED
from governance.policies import repository
from governance.policies.audit_actions import PolicyDraftAction
from governance.policies.errors import NothingDrafted
from governance.policies.inherit_job import request_inheritance
from governance.policies.job_types import PUBLISH_SCHEDULED, SCHEDULE_LANE
from governance.policies.publish_draft import lock_reviewed, publish_edits
from governance.policies.rows import ScheduledDraft
from governance.policies.schedule_repository import (
    NEXT_PUBLICATION,
    list_scheduled,
    move_scheduled,
    schedule_draft,
)
from governance.policies.states import DRAFTS, DraftState
from governance.services import GovernanceServices
from policy.edits import apply_edits, compare_rules
from policy.history import load_rules
from tenants.notifications.notify import notify

MOST_DAYS_AHEAD: Final = 366
MOST_SCHEDULED: Final = 20


async def schedule_publication(session: AsyncSession, *, revision: int, publish_at: datetime, now: datetime) -> UUID:
    """Schedule the open draft as it was read, at `revision`. Its edits are applied to the rules that are in force at
    `publish_at`. Another draft can be opened meanwhile. Returns the draft.

    Raises:
        NotFound, Forbidden, OwnDraft, DraftChanged: see `publish_draft`.
        NothingDrafted: its edits are published already.
        InvalidInput: a time that has passed or is more than a year ahead, too many scheduled drafts, or a rule that
            cannot be published.
    """
    if not now < publish_at <= now + timedelta(days=MOST_DAYS_AHEAD):
        raise InvalidInput(N_("Choose a time in the future, at most a year ahead."), field="publish_at")
    draft = await lock_reviewed(session, revision)
    if len(await list_scheduled(session, [DraftState.SCHEDULED])) >= MOST_SCHEDULED:
        raise InvalidInput(
            N_("At most {most} versions can be scheduled. Withdraw one first."), params={"most": MOST_SCHEDULED}
        )
    _, rules = await load_rules(session, scope_of(session))
    if not compare_rules(rules, apply_edits(rules, draft.edits)):
        raise NothingDrafted(N_("The draft changes nothing: its rules are published already."))
    await schedule_draft(session, draft.id, publish_at=publish_at)
    await set_timer(
        session, name=PUBLISH_SCHEDULED.name, lane=SCHEDULE_LANE, job_type=PUBLISH_SCHEDULED, due_at=publish_at
    )
    append_audit(
        session, action=PolicyDraftAction.DRAFT_SCHEDULED, subject=f"policy_draft:{draft.id}",
        data={"publish_at": publish_at.isoformat(), "edits": len(draft.edits), "editors": list(draft.editors)}, at=now,
    )  # fmt: skip
    return draft.id


async def withdraw_scheduled(session: AsyncSession, draft_id: UUID, *, now: datetime) -> DraftState:
    """Withdraw a scheduled draft, or one that could not be published. It is open again, unless another draft is open.
    Returns its state.

    Raises:
        Forbidden: the actor is an API key.
        NotFound: no such draft is scheduled in this account.
    """
    if scope_of(session).actor.kind == "machine":
        raise Forbidden(N_("Only a signed-in member can withdraw a scheduled policy."))
    waiting = await list_scheduled(session, [DraftState.SCHEDULED, DraftState.FAILED], lock=True)
    draft = next((one for one in waiting if one.id == draft_id), None)
    if draft is None:
        raise NotFound
    other = await repository.find_draft(session, lock=True)
    state = DraftState.OPEN if other is None else DraftState.WITHDRAWN
    await move_scheduled(session, draft, DraftState.of(DRAFTS.move(draft.state, state)), now=now)
    append_audit(
        session, action=PolicyDraftAction.SCHEDULE_WITHDRAWN, subject=f"policy_draft:{draft.id}",
        data={"publish_at": draft.publish_at.isoformat(), "state": state.value}, at=now,
    )  # fmt: skip
    return state


def schedule_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def publish_due(batch: Batch[NoPayload]) -> None:
        async with batch.commit() as session:
            await publish_scheduled(session, services)

    return publish_due


async def publish_scheduled(session: AsyncSession, services: GovernanceServices) -> None:
    """Publish the drafts whose time has come, the earliest first."""
    now = services.clock()
    for draft in await list_scheduled(session, [DraftState.SCHEDULED], until=now, lock=True):
        await _publish(session, services, draft, now)
    following = await session.scalar(NEXT_PUBLICATION, {"t": scope_of(session).tenant_id})
    if following is not None:
        await set_timer(
            session, name=PUBLISH_SCHEDULED.name, lane=SCHEDULE_LANE, job_type=PUBLISH_SCHEDULED, due_at=following
        )


async def _publish(session: AsyncSession, services: GovernanceServices, draft: ScheduledDraft, now: datetime) -> None:
    subject = f"policy_draft:{draft.id}"
    try:
        async with savepoint(session):
            version = await publish_edits(session, services, draft.edits, now=now)
    except DomainError as refusal:
        failure = refusal.reason.message
        DRAFTS.move(draft.state, DraftState.FAILED)
        await move_scheduled(session, draft, DraftState.FAILED, now=now, failure=failure)
        append_audit(
            session, action=PolicyDraftAction.SCHEDULE_FAILED, subject=subject, data={"reason": refusal.code}, at=now
        )
        notify(session, POLICY_NOT_PUBLISHED, topic=str(draft.id), path="/policy/versions", at=now)
        return
    DRAFTS.move(draft.state, DraftState.PUBLISHED)
    await move_scheduled(session, draft, DraftState.PUBLISHED, now=now, version=version)
    if scope_of(session).tenant_id == scope_of(session).msp_id:
        request_inheritance(session)
    data = {
        "version": version, "edits": len(draft.edits), "editors": list(draft.editors),
        "scheduled_by": draft.scheduled_by, "publish_at": draft.publish_at.isoformat(),
    }  # fmt: skip
    append_audit(session, action=PolicyDraftAction.DRAFT_PUBLISHED, subject=subject, data=data, at=now)


async def repair_publication(session: AsyncSession, _: datetime) -> None:
    """Restore the timer of the next scheduled publication."""
    due_at: datetime | None = await session.scalar(NEXT_PUBLICATION, {"t": scope_of(session).tenant_id})
    if due_at is not None:
        await ensure_timer(
            session, name=PUBLISH_SCHEDULED.name, lane=SCHEDULE_LANE, job_type=PUBLISH_SCHEDULED, due_at=due_at
        )
