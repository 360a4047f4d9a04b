"""Job that proposes scheduled values at their time, in the name of their authors; policy decides them then."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.database.savepoint import savepoint
from foundation.errors import DomainError, Forbidden
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import set_timer
from foundation.jobs.registry import Handler
from foundation.jobs.repair import ensure_timer
from foundation.jobs.types import NoPayload
from foundation.marks import N_
from foundation.scope import Actor
from governance.changes.propose import propose_change
from governance.notices import PROPOSAL_FAILED
from governance.permissions import GovernancePermission
from governance.proposals.audit_actions import ProposalAction
from governance.proposals.job_types import PROPOSAL_LANE, PROPOSE_SCHEDULED
from governance.proposals.repository import NEXT_PROPOSAL, DueProposal, end_schedule, list_due, lock_scheduled
from governance.proposals.states import ScheduleState
from governance.services import GovernanceServices
from tenants.notifications.notify import notify

AT_ONCE: Final = 100
"""Proposals of one transaction; the timer continues at once with further ones."""


def scheduled_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def propose_due(batch: Batch[NoPayload]) -> None:
        async with batch.read() as session:
            due = await list_due(session, until=services.clock(), limit=AT_ONCE)
        lapsed = await _find_lapsed(batch, services, due)
        async with batch.commit() as session:
            await propose_scheduled(session, services, due, lapsed=lapsed)

    return propose_due


async def _find_lapsed(
    batch: Batch[NoPayload], services: GovernanceServices, due: Sequence[DueProposal]
) -> frozenset[str]:
    """Authors who may not propose any more: they, or the creator of the API key, have left or have another role. Of a
    member only its own rights count, not those of its inviter.
    """
    if services.rights is None:
        return frozenset()
    authors = {one.author for one in due}
    found = await services.rights.find(batch.scope, authors, permissions=(GovernancePermission.PROPOSE_CHANGE,))
    return found.lapsed


async def propose_scheduled(
    session: AsyncSession,
    services: GovernanceServices,
    listed: Sequence[DueProposal],
    *,
    lapsed: Collection[str] = frozenset(),
) -> None:
    """Propose the due values of `listed`, the earliest first. Other due values are left to the next run, because the
    rights of their authors were not checked.
    """
    now = services.clock()
    for due in await lock_scheduled(session, [one.id for one in listed]):
        try:
            async with savepoint(session):
                change_id = await _propose(session, services, due, lapsed)
        except DomainError as refusal:
            await _fail(session, due, refusal, now)
        else:
            await _end(session, due, change_id, now)
    following = await session.scalar(NEXT_PROPOSAL, {"t": scope_of(session).tenant_id})
    if following is not None:
        await set_timer(
            session, name=PROPOSE_SCHEDULED.name, lane=PROPOSAL_LANE, job_type=PROPOSE_SCHEDULED, due_at=following
        )


async def _propose(
    session: AsyncSession, services: GovernanceServices, due: DueProposal, lapsed: Collection[str]
) -> UUID:
    if due.author in lapsed:
        raise Forbidden(N_("{name} may not propose values any more."), params={"name": due.author_name})
    author = Actor("member", due.author, due.author_name, on_behalf_of=due.on_behalf_of, roles=tuple(due.author_roles))
    return await propose_change(session, services, key=due.key, value=due.value, note=due.note, author=author)


async def _end(session: AsyncSession, due: DueProposal, change_id: UUID, now: datetime) -> None:
    await end_schedule(session, due.id, ScheduleState.PROPOSED, now=now, change_id=change_id)
    append_audit(
        session, action=ProposalAction.PROPOSAL_DUE, subject=f"proposal:{due.id}",
        data={"change": str(change_id), "author": due.author}, at=now,
    )  # fmt: skip


async def _fail(session: AsyncSession, due: DueProposal, refusal: DomainError, now: datetime) -> None:
    await end_schedule(session, due.id, ScheduleState.NOT_PROPOSED, now=now, failure=refusal.reason.message)
    append_audit(
        session, action=ProposalAction.PROPOSAL_FAILED, subject=f"proposal:{due.id}",
        data={"reason": refusal.code, "author": due.author}, at=now,
    )  # fmt: skip
    if members := _members_behind(due):
        notify(
            session, PROPOSAL_FAILED, topic=str(due.id), path="/proposals?status=not_proposed", at=now,
            members=members, params={"record": due.key.record_key},
        )  # fmt: skip


def _members_behind(due: DueProposal) -> list[UUID]:
    """The author, and the creator of an API key, which is no member; nobody for the operator."""
    found = []
    for one in (due.author, due.on_behalf_of):
        with suppress(ValueError):
            found.append(UUID(one))
    return found


async def repair_proposals(session: AsyncSession, _: datetime) -> None:
    """Restore the timer of the next scheduled proposal."""
    due_at: datetime | None = await session.scalar(NEXT_PROPOSAL, {"t": scope_of(session).tenant_id})
    if due_at is not None:
        await ensure_timer(
            session, name=PROPOSE_SCHEDULED.name, lane=PROPOSAL_LANE, job_type=PROPOSE_SCHEDULED, due_at=due_at
        )
