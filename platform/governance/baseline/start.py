"""Start and discarding of baselines."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import CONNECTIONS
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.jobs.enqueue import enqueue
from foundation.marks import N_, Phrase
from foundation.state_machine import in_sql
from governance.audit_actions import GovernanceAction
from governance.baseline import repository
from governance.baseline.delete_readings_job import deletion_jobs
from governance.baseline.errors import BaselineUnderWay, NothingToRead
from governance.baseline.read_job import read_job
from governance.baseline.states import BASELINES, BaselinePartState, BaselineState
from governance.elements.repository import load_contracts
from governance.services import GovernanceServices


async def start_baseline(session: AsyncSession, services: GovernanceServices, *, now: datetime) -> UUID:
    """Start reading the client's sources and channels. An undecided baseline is replaced.

    Raises:
        BaselineUnderWay: a baseline is being accepted, or was started concurrently.
        NothingToRead: there are no contracts, or a source cannot be read completely.
    """
    sources = await _sources(session, services)
    open_baseline = await repository.find_open(session)
    if open_baseline is not None and open_baseline.state == BaselineState.ACCEPTING:
        raise BaselineUnderWay(N_("The last baseline is still being applied. Wait until it has finished."))
    if open_baseline is not None:
        await _end(session, open_baseline.id, now)
    baseline_id = services.new_id()
    if not await repository.insert_baseline(session, baseline_id, now=now):
        raise BaselineUnderWay(N_("Someone else has just started a baseline. Reload the page."))
    await repository.insert_parts(session, baseline_id, sources, role="source", state=BaselinePartState.READING)
    enqueue(session, [read_job(baseline_id, source) for source in sources])
    append_audit(
        session,
        action=GovernanceAction.BASELINE_STARTED,
        subject=f"baseline:{baseline_id}",
        data={"sources": len(sources)},
        at=now,
    )
    return baseline_id


async def discard_baseline(session: AsyncSession, baseline_id: UUID, *, now: datetime) -> None:
    """Discard a baseline, which has changed nothing, and enqueue the deletion of its readings.

    Raises:
        NotFound: no such baseline in this account.
        BaselineUnderWay: the baseline is already decided.
    """
    baseline = await repository.lock_baseline(session, baseline_id)
    if baseline is None:
        raise NotFound
    if BaselineState.DISCARDED not in BASELINES.transitions[BaselineState.of(baseline.state)]:
        raise BaselineUnderWay(
            N_("This baseline is {state}. Reload the page to see its state."),
            params={"state": Phrase(BaselineState.of(baseline.state).label)},
        )
    await _end(session, baseline_id, now)


async def _end(session: AsyncSession, baseline_id: UUID, now: datetime) -> None:
    scope = scope_of(session)
    await session.execute(
        text(f"""
            UPDATE baseline SET state = '{BaselineState.DISCARDED}', decided_at = :now, decided_by = :name,
                   decided_by_id = :id, finished_at = :now
             WHERE tenant_id = :t AND id = :b AND state IN ({in_sql(BASELINES.before(BaselineState.DISCARDED))})
        """),
        {"t": scope.tenant_id, "b": baseline_id, "now": now, "name": scope.actor.name, "id": scope.actor.id},
    )
    enqueue(session, deletion_jobs(baseline_id, await repository.list_parts(session, baseline_id)))
    append_audit(
        session, action=GovernanceAction.BASELINE_DISCARDED, subject=f"baseline:{baseline_id}", data={}, at=now
    )


async def _sources(session: AsyncSession, services: GovernanceServices) -> list[UUID]:
    contracts = await load_contracts(session)
    wanted = {contract.source_connection_id for contract in contracts if contract.is_of_products}
    rows = await session.execute(
        text(f"""
            SELECT id, kind, name FROM {CONNECTIONS} n
             WHERE tenant_id = :t AND id = ANY (:ids) AND state <> 'deleted' ORDER BY id
        """),
        {"t": scope_of(session).tenant_id, "ids": list(wanted)},
    )
    sources = []
    for row in rows:
        connector = services.runtime.registry.get(row.kind)
        if connector is None or connector.poll is None or connector.source is None:
            raise NothingToRead(
                N_("“{name}” only reports changes and cannot be read as a whole."), params={"name": row.name}
            )
        sources.append(row.id)
    if not sources:
        raise NothingToRead(
            N_(
                "No contract names a source of truth yet. Connect the source and publish contracts for its "
                "elements first."
            )
        )
    return sources
