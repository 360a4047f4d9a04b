"""Scheduling of a proposal for a later time, and its cancellation before."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from canonical.values import Value
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import NewId
from foundation.jobs.enqueue import set_timer
from foundation.marks import N_, Phrase
from governance.changes.plan_writer import audit_key
from governance.changes.propose import check_proposable
from governance.inputs import check_text
from governance.proposals.audit_actions import ProposalAction
from governance.proposals.job_types import PROPOSAL_LANE, PROPOSE_SCHEDULED
from governance.proposals.models import ScheduledProposal
from governance.proposals.repository import end_schedule
from governance.proposals.states import SCHEDULES, ScheduleState
from governance.records.validation import is_admissible_key

MOST_DAYS_AHEAD: Final = 366
MOST_SCHEDULED: Final = 1_000


async def schedule_proposal(  # noqa: PLR0913 - keyword-only parts of one proposal
    session: AsyncSession,
    *,
    key: ElementKey,
    value: Value,
    note: str = "",
    effective_at: datetime,
    now: datetime,
    new_id: NewId,
) -> UUID:
    """Schedule a proposal by the scope's actor. Policy decides it at `effective_at`. Returns its id.

    Raises:
        OwnedByItsSource, InvalidInput: see `propose_change`; or a time that has passed or is more than a year ahead.
        Conflict: a proposal for the same value and time is scheduled, or too many are.
    """
    if not now < effective_at <= now + timedelta(days=MOST_DAYS_AHEAD):
        raise InvalidInput(N_("Choose a time in the future, at most a year ahead."), field="effective_at")
    if not is_admissible_key(key.record_key):
        raise InvalidInput(N_("This record key cannot be stored. Enter 1 to 200 characters."), field="record_key")
    await check_proposable(session, key, value)
    scope = scope_of(session)
    own = (ScheduledProposal.tenant_id == scope.tenant_id, ScheduledProposal.state == ScheduleState.SCHEDULED)
    if (await session.scalar(select(func.count()).where(*own)) or 0) >= MOST_SCHEDULED:
        raise Conflict(
            N_("At most {most} proposals can be scheduled. Cancel one first."), params={"most": MOST_SCHEDULED}
        )
    actor = scope.actor
    made: UUID | None = await session.scalar(
        insert(ScheduledProposal)
        .values(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=new_id(), **key._asdict(),
            value=msgspec.to_builtins(value), note=check_text(note, "note"), effective_at=effective_at,
            state=SCHEDULES.start(ScheduleState.SCHEDULED), author=actor.id, author_name=actor.name,
            on_behalf_of=actor.counts_as or actor.on_behalf_of, author_roles=list(actor.proposer_roles),
            scheduled_at=now,
        )
        .on_conflict_do_nothing()
        .returning(ScheduledProposal.id)
    )  # fmt: skip
    if made is None:
        raise Conflict(N_("A proposal for this value and time is scheduled already. Cancel it first."))
    await set_timer(
        session, name=PROPOSE_SCHEDULED.name, lane=PROPOSAL_LANE, job_type=PROPOSE_SCHEDULED, due_at=effective_at
    )
    data = {**audit_key(key), "value": msgspec.to_builtins(value), "effective_at": effective_at.isoformat()}
    append_audit(session, action=ProposalAction.PROPOSAL_SCHEDULED, subject=f"proposal:{made}", data=data, at=now)
    return made


async def cancel_proposal(session: AsyncSession, proposal_id: UUID, *, now: datetime) -> None:
    """Cancel a scheduled proposal.

    Raises:
        NotFound: no such proposal in this account.
        Conflict: the value was proposed already, or the proposal cancelled.
    """
    own = (ScheduledProposal.tenant_id == scope_of(session).tenant_id, ScheduledProposal.id == proposal_id)
    found = (await session.execute(select(ScheduledProposal).where(*own).with_for_update())).scalar_one_or_none()
    if found is None:
        raise NotFound
    if found.state != ScheduleState.SCHEDULED:
        raise Conflict(
            N_("This proposal is already {state}. Reload the page to see its state."),
            params={"state": Phrase(ScheduleState.of(found.state).label)},
        )
    await end_schedule(session, proposal_id, ScheduleState.CANCELLED, now=now)
    data = {
        **audit_key(ElementKey(found.record_key, found.element, found.dimension, found.record_type)),
        "effective_at": found.effective_at.isoformat(), "author": found.author,
    }  # fmt: skip
    append_audit(
        session, action=ProposalAction.PROPOSAL_CANCELLED, subject=f"proposal:{proposal_id}", data=data, at=now
    )
