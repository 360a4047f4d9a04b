"""Job: source events become observations, observations become decided changes, in one transaction per batch."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import COST
from foundation.jobs.batch import LaneRun
from foundation.jobs.types import Handler
from governance.changes import repository
from governance.changes.echo_suppression import sent_lately
from governance.changes.key_conflicts import hold_shared_keys
from governance.changes.markers import ANY_VERSION
from governance.changes.plan_writer import write_plan
from governance.changes.planner import World, plan_changes
from governance.changes.reissue import ask_anew
from governance.changes.translation import QUARANTINED, Origin, Translated, translate_payload, unreadable_subject
from governance.elements.repository import load_contracts
from governance.elements.rows import Observed
from governance.exceptions.catalogue import clock_ahead, is_dated_ahead
from governance.exceptions.defaults import DEFAULT_CORRECTION_MS
from governance.exceptions.lifecycle import open_exceptions, resolve_corrected
from governance.exceptions.rows import NewException
from governance.records.keys import Key
from governance.records.repository import load_channels, load_values
from governance.records.titles import save_titles
from governance.records.validation import bound_version
from governance.services import Context

_log = structlog.get_logger(__name__)
PROMPT_BYTES, BULK_BYTES = 4 * 1024, 32 * 1024
"""Messages differ in size a thousandfold. A turn takes what can be decided in a fraction of a second, so that others'
turns come; the rest of the batch stays in its lane, in order. What others wait behind is shorter still.
"""


def ingest_handler(context: Context) -> Handler:
    async def ingest(run: LaneRun) -> None:
        async with run.finishing() as session:
            await _ingest(session, run, context)

    return ingest


async def _ingest(session: AsyncSession, run: LaneRun, context: Context) -> None:
    now = context.clock()
    most = BULK_BYTES if run.bulk else PROMPT_BYTES
    events = await repository.load_events(session, [item.ref for item in run.items], most_bytes=most)
    taken = max((n for n, item in enumerate(run.items, 1) if item.ref in events), default=len(run.items))
    run.leave(run.items[taken:])
    observed: list[Observed] = []
    found: list[NewException] = []
    for item in run.items[:taken]:
        event = events.get(item.ref) if item.ref is not None else None
        if event is None:
            run.bury(item, error="The message this work is about is no longer stored, so nothing came of it.")
            continue
        if item.body is not None and item.body.get("reused_id"):
            found.append(_reused(event.id, event.connection_id, event.correlation))
            continue
        connector = context.runtime.registry.get(event.kind)
        origin = Origin(event.id, event.connection_id, event.received_at, event.correlation)
        made = translate_payload(None if connector is None else connector.source, event.body, origin)
        observed += _observed(origin, made, None if item.body is None else item.body.get(ANY_VERSION), now=now)
        found += made.exceptions
        if event.via == "poll":
            ahead = [each for each in made.observations if is_dated_ahead(each, event.received_at)]
            found += [clock_ahead(event, each) for each in ahead[:1]]
    observed, _ = await hold_shared_keys(session, observed, now=now, new_id=context.new_id)
    if observed:
        seen = {(o.observation.record_key, o.observation.element) for o in observed}
        asked = await repository.awaiting_keys(session, [record_key for record_key, element in seen if element == COST])
        world = await read_world(session, context, seen | asked)
        world = replace(world, sent=await sent_lately(session, observed, world))
        await save_titles(session, observed, world.contracts)
        plan = plan_changes(observed, world)
        ask_anew(plan, world)
        await write_plan(session, plan, world)
        if plan.stale:
            _log.info("ingest.stale", lane=run.lane, dropped=plan.stale, of=len(observed))
        readable = [
            unreadable_subject(o.connection_id, o.observation.record_key, o.observation.element) for o in observed
        ]
        await resolve_corrected(session, QUARANTINED, readable, now=now)
    await open_exceptions(session, found, now=now, new_id=context.new_id)


async def read_world(session: AsyncSession, context: Context, keys: Iterable[Key], *, awaiting: bool = True) -> World:
    """Contracts, channels, policy and the locked values of `keys` with the costs beside them.

    With `awaiting` also the locked changes of `keys` that wait for a person: a newer value overtakes them.
    """
    own, now = set(keys), context.clock()
    wanted = own | {(record_key, COST) for record_key, _ in own}
    scope = session.info["scope"]
    return World(
        contracts=await load_contracts(session),
        values=await load_values(session, wanted),
        awaiting=await repository.load_awaiting(session, own, now=now) if awaiting else {},
        index=await context.policies.index_for(session, scope),
        channels=await load_channels(session),
        now=now,
        new_id=context.new_id,
    )


def _observed(origin: Origin, made: Translated, any_version: str | None, *, now: datetime) -> list[Observed]:
    return [
        Observed(
            bound_version(seen, now=now), origin.connection_id, origin.event_id, origin.correlation,
            any_version=any_version == f"{seen.record_key}|{seen.element}",
        )
        for seen in made.admitted
    ]  # fmt: skip


def _reused(event_id: UUID, connection_id: UUID, correlation: str) -> NewException:
    return NewException(
        code="source.reused_id",
        subject=str(event_id),
        title="Duplicate message ID",
        detail="Another message with the same ID has other content. Both are kept; only the first was processed. "
        "Replay this one if it is the right one.",
        correction_slo_ms=DEFAULT_CORRECTION_MS,
        connection_id=connection_id,
        source_event_id=event_id,
        correlation=correlation,
    )
