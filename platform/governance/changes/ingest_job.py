"""Ingest job: turns source events into observations and decided changes, in one transaction per batch."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import REFERENCE_ELEMENTS
from canonical.keys import ElementKey
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from governance.changes import repository
from governance.changes.echo_suppression import sent_lately
from governance.changes.key_conflicts import hold_shared_keys
from governance.changes.plan_writer import write_plan
from governance.changes.planner import DecisionSnapshot, plan_changes, reference_keys
from governance.changes.reissue import reissue_approvals
from governance.changes.translation import (
    Origin,
    Translated,
    divide_misfits,
    translate_payload,
    unreadable_subject,
)
from governance.elements.repository import load_contracts
from governance.elements.rows import Observed
from governance.exception_types import ExceptionType
from governance.exceptions.catalogue import clock_ahead, is_dated_ahead
from governance.exceptions.lifecycle import auto_resolve, open_exceptions
from governance.exceptions.rows import NewException
from governance.job_types import IngestEvents
from governance.messages import exceptions as messages
from governance.propagation.released import load_released
from governance.records.repository import load_channels, load_values
from governance.records.titles import save_titles
from governance.records.validation import bound_version
from governance.services import GovernanceServices

_log = structlog.get_logger(__name__)
PROMPT_BYTES, BULK_BYTES = 4 * 1024, 32 * 1024
"""Body bytes per batch. Message sizes differ a thousandfold; these limits keep a batch to a fraction of a second, so
that other lanes get the worker. The remaining jobs stay queued in order. The limit for prompt lanes is smaller, because
others wait behind them.
"""


def ingest_handler(services: GovernanceServices) -> Handler[IngestEvents]:
    async def ingest(batch: Batch[IngestEvents]) -> None:
        async with batch.commit() as session:
            await _ingest(session, batch, services)

    return ingest


async def _ingest(session: AsyncSession, batch: Batch[IngestEvents], services: GovernanceServices) -> None:
    now = services.clock()
    most = BULK_BYTES if batch.bulk else PROMPT_BYTES
    events = await repository.load_events(session, [item.ref for item in batch.items], most_bytes=most)
    taken = max((n for n, item in enumerate(batch.items, 1) if item.ref in events), default=len(batch.items))
    batch.skip(batch.items[taken:])
    observed: list[Observed] = []
    found: list[NewException] = []
    for item in batch.items[:taken]:
        event = events.get(item.ref) if item.ref is not None else None
        if event is None:
            batch.dead_letter(item, error="The message of this job is no longer stored, so nothing came of it.")
            continue
        if item.payload.id_conflict:
            found.append(_reused(event.id, event.connection_id, event.correlation))
            continue
        connector = services.runtime.registry.get(event.kind)
        origin = Origin(event.id, event.connection_id, event.received_at, event.correlation)
        made = translate_payload(None if connector is None else connector.source, event.body, origin)
        observed += _observed(origin, made, item.payload.any_version, now=now)
        found += made.exceptions
        if event.via == "poll":
            ahead = [each for each in made.observations if is_dated_ahead(each, event.received_at)]
            found += [clock_ahead(event, each) for each in ahead[:1]]
    observed, _ = await hold_shared_keys(session, observed, now=now, new_id=services.new_id)
    if observed:
        seen = {o.observation.key for o in observed}
        moved = [key.record_key for key in seen if key.element in REFERENCE_ELEMENTS]
        asked = await repository.awaiting_keys(session, moved)
        snapshot = await load_snapshot(session, services, seen | asked)
        snapshot = replace(snapshot, sent=await sent_lately(session, observed, snapshot))
        observed, misfits = divide_misfits(observed, snapshot.contracts)
        found += misfits
        await save_titles(session, observed, snapshot.contracts)
        plan = plan_changes(observed, snapshot)
        reissue_approvals(plan, snapshot)
        await write_plan(session, plan, snapshot)
        if plan.stale:
            _log.info("ingest.stale", lane=batch.lane, dropped=plan.stale, of=len(observed))
        readable = [unreadable_subject(o.connection_id, o.observation.key) for o in observed]
        await auto_resolve(session, ExceptionType.SOURCE_QUARANTINED, readable, now=now)
    await open_exceptions(session, found, now=now, new_id=services.new_id)


async def load_snapshot(
    session: AsyncSession, services: GovernanceServices, keys: Iterable[ElementKey], *, awaiting: bool = True
) -> DecisionSnapshot:
    """Load contracts, channels, policy and the locked values of `keys` and of the costs of their records.

    `awaiting` also loads and locks the changes of `keys` pending approval, which a newer value supersedes.
    """
    own, now = set(keys), services.clock()
    wanted = own.union(*map(reference_keys, own))
    scope = session.info["scope"]
    snapshot = DecisionSnapshot(
        contracts=await load_contracts(session),
        values=await load_values(session, wanted),
        awaiting=await repository.load_awaiting(session, own, now=now) if awaiting else {},
        index=await services.policies.index_for(session, scope),
        channels=await load_channels(session, services.runtime.registry),
        now=now,
        new_id=services.new_id,
    )
    judged = [key for key in own if snapshot.judges_channels(key.element)]
    if not judged:
        return snapshot
    channels = [channel.connection_id for channel in snapshot.channels]
    return replace(snapshot, released=await load_released(session, judged, channels))


def _observed(origin: Origin, made: Translated, any_version: str | None, *, now: datetime) -> list[Observed]:
    return [
        Observed(
            bound_version(seen, now=now), origin.connection_id, origin.event_id, origin.correlation,
            any_version=any_version == seen.key.joined("|"),
        )
        for seen in made.admitted
    ]  # fmt: skip


def _reused(event_id: UUID, connection_id: UUID, correlation: str) -> NewException:
    return NewException(
        code=ExceptionType.SOURCE_ID_CONFLICT,
        subject=str(event_id),
        message=messages.SOURCE_ID_CONFLICT.fill(),
        connection_id=connection_id,
        source_event_id=event_id,
        correlation=correlation,
    )
