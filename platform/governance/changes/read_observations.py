"""Reading of observations: governance's subscription to them, and the snapshot that every decision starts from."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import REFERENCE_ELEMENTS
from canonical.keys import ElementKey
from canonical.messages import Observation
from connectors.translation.subscriptions import MessageHandler, Origin, Received
from governance.changes import repository
from governance.changes.admission import Admitted, admit_observations, divide_misfits, unreadable_subject
from governance.changes.echo_suppression import sent_lately
from governance.changes.key_conflicts import hold_shared_keys
from governance.changes.month_values import load_month_values
from governance.changes.plan_writer import write_plan
from governance.changes.planner import DecisionSnapshot, plan_changes
from governance.changes.reissue import reissue_approvals
from governance.elements.repository import load_contracts, share_contracts
from governance.elements.rows import Observed
from governance.exception_types import ExceptionType
from governance.exceptions.catalogue import clock_ahead, is_dated_ahead
from governance.exceptions.lifecycle import auto_resolve, open_exceptions
from governance.exceptions.rows import NewException
from governance.propagation.released import load_released
from governance.records.account_time import load_time_facts
from governance.records.reference_values import reference_keys
from governance.records.repository import load_channels, load_values
from governance.records.titles import save_titles
from governance.records.validation import bound_version
from governance.services import GovernanceServices

_log = structlog.get_logger(__name__)


def observation_reader(services: GovernanceServices) -> MessageHandler[Observation]:
    """Handler that decides changes for a batch's observations, and opens exceptions for those that cannot be kept."""

    async def read(session: AsyncSession, received: Sequence[Received[Observation]]) -> None:
        await share_contracts(session)
        now = services.clock()
        observed: list[Observed] = []
        found: list[NewException] = []
        for origin, seen in ((each.origin, each.messages) for each in received):
            admitted = admit_observations(origin, seen)
            observed += _observed(origin, admitted, now=now)
            found += admitted.exceptions
            if origin.via == "poll":
                ahead = [each for each in admitted.dated if is_dated_ahead(each, origin.received_at)]
                found += [clock_ahead(origin, each) for each in ahead[:1]]
        observed, _ = await hold_shared_keys(session, observed, now=now, new_id=services.new_id)
        if observed:
            found += await _change(session, services, observed)
        await open_exceptions(session, found, now=now, new_id=services.new_id)

    return read


async def _change(
    session: AsyncSession, services: GovernanceServices, observed: Sequence[Observed]
) -> list[NewException]:
    """Plan and write the changes of observations; returns an exception for each that does not fit its element."""
    seen = {o.observation.key for o in observed}
    moved = [key.record_key for key in seen if key.element in REFERENCE_ELEMENTS]
    asked = await repository.awaiting_keys(session, moved)
    snapshot = await load_snapshot(session, services, seen | asked)
    snapshot = replace(snapshot, sent=await sent_lately(session, observed, snapshot))
    fitting, misfits = divide_misfits(observed, snapshot.contracts)
    await save_titles(session, fitting, snapshot.contracts)
    plan = plan_changes(fitting, snapshot)
    reissue_approvals(plan, snapshot)
    await write_plan(session, plan, snapshot)
    if plan.stale:
        connection = str(observed[0].connection_id)
        _log.info("ingest.stale", connection=connection, dropped=plan.stale, of=len(fitting))
    readable = [unreadable_subject(o.connection_id, o.observation.key) for o in fitting]
    await auto_resolve(session, ExceptionType.SOURCE_QUARANTINED, readable, now=snapshot.now)
    return misfits


async def load_snapshot(
    session: AsyncSession,
    services: GovernanceServices,
    keys: Iterable[ElementKey],
    *,
    awaiting: bool = True,
    lock: bool = True,
) -> DecisionSnapshot:
    """Load contracts, channels, policy and the values of `keys` and of the costs of their records.

    `awaiting` also loads and locks the changes of `keys` pending approval, which a newer value supersedes. Values are
    locked unless the snapshot only serves a page.
    """
    own, now = set(keys), services.clock()
    wanted = own.union(*map(reference_keys, own))
    index = await services.policies.index_for(session, session.info["scope"])
    snapshot = DecisionSnapshot(
        contracts=await load_contracts(session),
        values=await load_values(session, wanted, lock=lock),
        awaiting=await repository.load_awaiting(session, own, now=now) if awaiting else {},
        index=index,
        channels=await load_channels(session, services.runtime.registry),
        now=now,
        new_id=services.new_id,
        time=await load_time_facts(session, index, now),
        month=await load_month_values(session, index, own, now),
    )
    by_channel = [key for key in own if snapshot.decides_by_channel(key.element)]
    if not by_channel:
        return snapshot
    channels = [channel.connection_id for channel in snapshot.channels]
    return replace(snapshot, released=await load_released(session, by_channel, channels))


def _observed(origin: Origin, admitted: Admitted, *, now: datetime) -> list[Observed]:
    return [
        Observed(
            bound_version(seen, now=now), origin.connection_id, origin.event_id, origin.correlation,
            any_version=origin.any_version == seen.key.joined("|"),
        )
        for seen in admitted.observations
    ]  # fmt: skip
