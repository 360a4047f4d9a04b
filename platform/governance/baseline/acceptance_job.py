"""Acceptance of a baseline: requested by a person, carried out by a job, RECORDS records per transaction."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from connectors.poll_job import schedule_poll
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Forbidden, NotFound
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.marks import N_, Phrase
from governance.audit_actions import GovernanceAction
from governance.baseline import acceptance_repository, job_types, repository
from governance.baseline.errors import BaselineUnderWay
from governance.baseline.planner import Acceptance, Act, plan_acceptance
from governance.baseline.rows import Compared, Counts, Reading, SourceItem
from governance.baseline.states import BASELINES, BaselineState
from governance.changes.plan_writer import write_plan
from governance.changes.read_observations import load_snapshot
from governance.elements.value_hold import HoldEnd, end_hold
from governance.propagation.settlement import schedule_drift_scan
from governance.services import GovernanceServices

RECORDS: Final = 200
"""Per transaction: keeps the set of locked rows small, and a killed worker repeats little."""


async def accept_baseline(session: AsyncSession, baseline_id: UUID, *, now: datetime) -> None:
    """Approve the sources' values. The acceptance is one decision and one entry of the audit chain.

    Raises:
        NotFound: no such baseline in this account.
        Forbidden: the actor is not a member.
        BaselineUnderWay: it is still being read, or already decided.
    """
    scope = scope_of(session)
    if scope.actor.kind != "member":
        raise Forbidden(N_("Only a signed-in member can accept a baseline."))
    baseline = await repository.lock_baseline(session, baseline_id)
    if baseline is None:
        raise NotFound
    if baseline.state != BaselineState.READY:
        raise BaselineUnderWay(
            N_("This baseline is {state}, not ready. Reload the page to see its state."),
            params={"state": Phrase(BaselineState.of(baseline.state).label)},
        )
    accepting = BASELINES.move(baseline.state, BaselineState.ACCEPTING)
    await session.execute(
        text(f"""
            UPDATE baseline SET state = '{accepting}', decided_at = :now, decided_by = :name, decided_by_id = :id
             WHERE tenant_id = :t AND id = :b
        """),
        {"t": scope.tenant_id, "b": baseline_id, "now": now, "name": scope.actor.name, "id": scope.actor.id},
    )
    enqueue(session, [_job(baseline_id)])
    data = {"baseline": str(baseline_id), **await acceptance_repository.sum_parts(session, baseline_id)}
    append_audit(
        session, action=GovernanceAction.BASELINE_ACCEPTED, subject=f"baseline:{baseline_id}", data=data, at=now
    )


def _job(baseline_id: UUID) -> NewJob[NoPayload]:
    return NewJob(
        job_types.BASELINE_LANE,
        job_types.ACCEPT_BASELINE,
        key=str(baseline_id),
        ref=baseline_id,
        correlation=str(baseline_id),
    )


def accept_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def carry_out(batch: Batch[NoPayload]) -> None:
        async with batch.commit() as session:
            await _carry_out(session, services, batch.items[0].ref)

    return carry_out


async def _carry_out(session: AsyncSession, services: GovernanceServices, baseline_id: UUID | None) -> None:
    baseline = await repository.lock_baseline(session, baseline_id)
    if baseline is None or baseline.state != BaselineState.ACCEPTING:
        return
    records = await acceptance_repository.next_records(session, baseline.id, baseline.after, limit=RECORDS)
    counts = Counts()
    if records:
        counts = (await _accept_records(session, services, baseline, records)).counts
    more = len(records) == RECORDS
    await acceptance_repository.move_on(session, baseline.id, counts, cursor=records[-1] if records else baseline.after)
    if more:
        enqueue(session, [_job(baseline.id)])
    else:
        await _finish(session, services, baseline.id)


async def _accept_records(
    session: AsyncSession, services: GovernanceServices, baseline: Row[Any], records: Sequence[str]
) -> Acceptance:
    items = await acceptance_repository.load_items(session, baseline.id, records)
    snapshot = await load_snapshot(session, services, {item.key for item in items})
    channels = {channel.connection_id for channel in snapshot.channels}
    readings = await acceptance_repository.load_readings(session, baseline.id, records)
    compared = _compare(items, [reading for reading in readings if reading.connection_id in channels])
    in_flight = await acceptance_repository.load_in_flight(session, compared, snapshot)
    made = plan_acceptance(compared, in_flight, snapshot, Act(baseline.id, baseline.decided_by_id))
    await write_plan(session, made.plan, snapshot)
    await acceptance_repository.store_observed(session, made.seen)
    await acceptance_repository.link_changes(session, baseline.id, made.made)
    return made


def _compare(items: Sequence[SourceItem], readings: Sequence[Reading]) -> list[Compared]:
    found: defaultdict[ElementKey, list[Reading]] = defaultdict(list)
    for reading in readings:
        found[reading.key].append(reading)
    return [Compared(item, found.get(item.key, ())) for item in items]


async def _finish(session: AsyncSession, services: GovernanceServices, baseline_id: UUID) -> None:
    """Start polling the sources, whose earlier values are known and change nothing, and the drift scans of the
    channels, including channels that were never sent anything. A new client's values are no longer held.
    """
    now = services.clock()
    await end_hold(session, HoldEnd.BASELINE, now=now)
    await acceptance_repository.set_accepted(session, baseline_id, now=now)
    for source in await acceptance_repository.list_parts(session, baseline_id, role="source"):
        await schedule_poll(session, source, at=now)
    for channel in await acceptance_repository.list_parts(session, baseline_id, role="channel"):
        await schedule_drift_scan(session, channel, now=now, jitter=services.jitter)
