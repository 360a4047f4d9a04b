"""Read jobs of a baseline: a client's sources from their beginning, then each channel, one page or a few requests per
batch.

Every batch commits its results together with the progress, so a worker may be killed at any moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from connectors.backoff import retry_with_backoff
from connectors.calls import call_adapter, read_values
from connectors.health import record_health
from connectors.messages import ANSWER_UNREADABLE
from connectors.paging import ListPage, Step, check_page
from connectors.payload_store import store_payloads
from connectors.ports import ChannelReading, HttpCaller, KeyPage, PayloadInvalid, PollPage, SystemUnavailable
from connectors.runtime import OpenConnection
from connectors.translation.subscriptions import Origin
from foundation.decoding import decode_json
from foundation.i18n.messages import MessageText, reason_of
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.outbound.errors import OutboundRefused, OutboundUnavailable
from governance.baseline import job_types, repository
from governance.baseline.approved_values import add_approved_values
from governance.baseline.comparison import compare
from governance.baseline.rows import Part, Reading, ReadRequest, SourceItem
from governance.baseline.states import BaselinePartState, BaselineState
from governance.changes.admission import find_misfit, translate_observations, unreadable_value
from governance.changes.key_conflicts import hold_shared_keys
from governance.elements.contracts import Contracts
from governance.elements.repository import load_contracts
from governance.elements.rows import Observed
from governance.exceptions.lifecycle import open_exceptions
from governance.exceptions.rows import NewException
from governance.messages import reasons
from governance.notices import BASELINE_READY
from governance.records.account_time import load_time_facts
from governance.records.repository import load_channels
from governance.records.validation import admit_reading, is_admissible_key
from governance.services import GovernanceServices
from policy.conditions import Facts
from policy.index import PolicyIndex
from tenants.notifications.notify import notify

BATCHES: Final = 4
"""Requests to a channel per batch."""

_AWAY = (SystemUnavailable, OutboundUnavailable, OutboundRefused, PayloadInvalid)
_log = structlog.get_logger(__name__)


def read_job(baseline_id: UUID, connection_id: UUID) -> NewJob[NoPayload]:
    """A read job for one system."""
    lane = job_types.baseline_lane(connection_id)
    return NewJob(lane, job_types.READ_BASELINE, key=str(baseline_id), ref=baseline_id)


@dataclass(frozen=True, slots=True)
class _Turn:
    baseline_id: UUID
    part: Part
    opened: OpenConnection
    http: HttpCaller
    contracts: Contracts
    index: PolicyIndex
    time: Facts
    wanted: Sequence[ReadRequest]


@dataclass(frozen=True, slots=True)
class _Found:
    """Answer of the system; at most one field is set."""

    page: PollPage | None = None
    keys: KeyPage | None = None
    readings: Sequence[Reading] = ()


class _Written(NamedTuple):
    """`more`: there is more to read. `trouble`: the next batch is delayed, because the listing makes no progress."""

    more: bool
    trouble: MessageText | None = None


def read_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def read(batch: Batch[NoPayload]) -> None:
        turn = await _begin(batch, services)
        if turn is None:
            return
        try:
            found = await _read_page(turn, services)
        except _AWAY as error:
            await _rest(batch, services, turn, error)
            return
        async with batch.commit() as session:
            written = await _write(session, services, turn, found)
            trouble = written.trouble
            await record_health(session, turn.part.connection_id, now=services.clock(), error=trouble)
            if trouble:
                retry_with_backoff(
                    batch,
                    SystemUnavailable(trouble),
                    reason=trouble,
                    retry=job_types.READ_RETRY,
                    jitter=1.0 - services.jitter(),
                )
            elif written.more:
                enqueue(session, [read_job(turn.baseline_id, turn.part.connection_id)])
            else:
                await _end_part(session, services, turn)

    return read


async def _begin(batch: Batch[NoPayload], services: GovernanceServices) -> _Turn | None:
    baseline_id, connection_id = batch.items[0].ref, batch.connection_id
    async with batch.read() as session:
        part = await repository.find_part(session, baseline_id, connection_id)
        if part is None or baseline_id is None:
            return None
        opened = await services.runtime.open(session, connection_id)
        http = opened.client(is_retry=batch.items[0].is_retry)
        wanted: Sequence[ReadRequest] = ()
        if part.role == "channel" and part.state == BaselinePartState.READING and opened.connector.channel is not None:
            size = BATCHES * opened.connector.channel.max_batch
            wanted = await repository.next_wanted(session, baseline_id, _place(part.cursor), limit=size)
        contracts = await load_contracts(session)
        index = await services.policies.index_for(session, session.info["scope"])
        time = await load_time_facts(session, index, services.clock())
        wanted = await add_approved_values(session, index, wanted, services.clock())
    return _Turn(baseline_id, part, opened, http, contracts, index, time, wanted)


def _place(cursor: str) -> ElementKey:
    """Parse the last key read on a channel. A cursor from before keys had dimensions has no brackets."""
    if cursor.startswith("["):
        return decode_json(cursor, type=ElementKey)
    element, _, record_key = cursor.partition(" ")
    return ElementKey(record_key, element, "", "")


async def _read_page(turn: _Turn, services: GovernanceServices) -> _Found:
    """Call the system. An exception of the adapter means an answer in an unknown format."""
    try:
        return await _call(turn, services)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise PayloadInvalid(ANSWER_UNREADABLE.write(error=type(error).__name__)) from error


async def _call(turn: _Turn, services: GovernanceServices) -> _Found:
    connector, http, config = turn.opened.connector, turn.http, turn.opened.config
    if turn.part.role == "source":
        if not turn.opened.readable:
            raise SystemUnavailable(reasons.PAUSED.write())
        if connector.poll is None:
            return _Found()
        return _Found(page=await call_adapter(connector.poll.poll(http, config, turn.part.cursor, services.clock())))
    if not turn.opened.readable:
        return _Found()
    if turn.part.state == BaselinePartState.LISTING:
        if connector.catalogue is None:
            return _Found()
        return _Found(keys=await call_adapter(connector.catalogue.list_keys(http, config, turn.part.cursor)))
    wanted = _shown_there(turn)
    now, shown = services.clock(), await _read(turn, wanted)
    connection_id = turn.part.connection_id
    readings = compare(
        wanted, shown, connection_id=connection_id, index=turn.index, contracts=turn.contracts, now=now, time=turn.time
    )
    return _Found(readings=readings)


def _shown_there(turn: _Turn) -> list[ReadRequest]:
    """Requests for values that are sent to the channel; the others are not compared with it."""
    return [want for want in turn.wanted if not _owns(turn, want.key) and turn.opened.connector.accepts(want.key)]


def _owns(turn: _Turn, key: ElementKey) -> bool:
    """Whether the system that is read is the source of truth of the value."""
    contract = turn.contracts.find(key)
    return contract is not None and contract.source_connection_id == turn.part.connection_id


async def _read(turn: _Turn, wanted: Sequence[ReadRequest]) -> list[ChannelReading]:
    channel, shown = turn.opened.connector.channel, list[ChannelReading]()
    if channel is None:
        return [ChannelReading(want.key, None) for want in wanted]
    for start in range(0, len(wanted), channel.max_batch):
        part = wanted[start : start + channel.max_batch]
        keys = [want.key for want in part]
        shown += map(admit_reading, await read_values(channel, turn.http, turn.opened.config, keys))
    unanswered = reasons.NOT_ANSWERED.write()
    return [
        reading if reading.answered else msgspec.structs.replace(reading, unreadable=unanswered) for reading in shown
    ]


async def _rest(batch: Batch[NoPayload], services: GovernanceServices, turn: _Turn, error: Exception) -> None:
    """Delay the retry after an outage, and record the error for the page."""
    reason = reason_of(error)
    retry_with_backoff(batch, error, reason=reason, retry=job_types.READ_RETRY, jitter=1.0 - services.jitter())
    _log.info("baseline.no_answer", connection=str(turn.part.connection_id), error=reason)
    async with batch.commit() as session:
        await repository.note_trouble(session, turn.baseline_id, turn.part.connection_id, reason)
        await record_health(session, turn.part.connection_id, now=services.clock(), error=reason)


async def _write(session: AsyncSession, services: GovernanceServices, turn: _Turn, found: _Found) -> _Written:
    baseline_id, connection_id = turn.baseline_id, turn.part.connection_id
    if turn.part.role == "source":
        return _Written(more=False) if found.page is None else await _write_page(session, services, turn, found.page)
    if not turn.opened.readable:
        return _Written(more=False)
    if turn.part.state == BaselinePartState.LISTING:
        return await _write_listing(session, turn, found.keys)
    if not turn.wanted:
        return _Written(more=False)
    await repository.put_readings(session, baseline_id, connection_id, found.readings)
    cursor = msgspec.json.encode(turn.wanted[-1].key).decode()
    await repository.move_part(session, baseline_id, connection_id, state=BaselinePartState.READING, cursor=cursor)
    return _Written(more=True)


async def _write_page(session: AsyncSession, services: GovernanceServices, turn: _Turn, page: PollPage) -> _Written:
    await _write_source(session, services, turn, page)
    ids = [external_id for external_id, _ in page.payloads]
    step = check_page(turn.part.progress, ListPage(turn.part.cursor, page.cursor, page.more, ids))
    await _move(session, turn, BaselinePartState.READING, step)
    return _Written(more=page.more, trouble=step.trouble)


async def _write_listing(session: AsyncSession, turn: _Turn, page: KeyPage | None) -> _Written:
    baseline_id, connection_id = turn.baseline_id, turn.part.connection_id
    if page is None:  # the channel cannot list its values
        await repository.move_part(session, baseline_id, connection_id, state=BaselinePartState.READING, cursor="")
        return _Written(more=True)
    elements = _compared(turn.contracts)
    keys = [key for key in page.keys if is_admissible_key(key)]
    await repository.put_keys(session, baseline_id, keys, elements)
    unkeyed = page.unkeyed + len(page.keys) - len(keys)
    step = check_page(
        turn.part.progress,
        ListPage(turn.part.cursor, page.cursor, page.more, page.records, total=page.total, identity=page.identity),
    )
    if page.more:
        await _move(session, turn, BaselinePartState.LISTING, step, unkeyed=unkeyed)
    else:
        await repository.move_part(
            session,
            baseline_id,
            connection_id,
            state=BaselinePartState.READING,
            cursor="",
            listed=True,
            unkeyed=unkeyed,
        )
    return _Written(more=True, trouble=step.trouble if page.more else None)


def _compared(contracts: Contracts) -> list[str]:
    return sorted({each.element for each in contracts if each.distributed and each.is_of_products})


async def _channels_of(session: AsyncSession, services: GovernanceServices, turn: _Turn) -> list[UUID]:
    """Channels that show an element of the baseline whose source, of some values at least, is another system."""
    compared = [each for each in turn.contracts if each.distributed and each.is_of_products]
    return [
        channel.connection_id
        for channel in await load_channels(session, services.runtime.registry, drafts=True)
        if any(
            each.source_connection_id != channel.connection_id and channel.accepts(ElementKey("", each.element))
            for each in compared
        )
    ]


async def _move(session: AsyncSession, turn: _Turn, state: BaselinePartState, step: Step, *, unkeyed: int = 0) -> None:
    await repository.move_part(
        session, turn.baseline_id, turn.part.connection_id, state=state, cursor=step.cursor, progress=step.progress,
        error=step.trouble, unkeyed=unkeyed,
    )  # fmt: skip


async def _write_source(session: AsyncSession, services: GovernanceServices, turn: _Turn, page: PollPage) -> None:
    source, connection_id = turn.opened.connector.source, turn.part.connection_id
    now, unreadable, odd = services.clock(), list[NewException](), dict[ElementKey, MessageText]()
    events = await store_payloads(session, connection_id, page.payloads, now=now, new_id=services.new_id)
    observed: list[Observed] = []
    for external_id, body in page.payloads:
        origin = Origin(events[external_id], connection_id, now, str(turn.baseline_id))
        made = translate_observations(source, body, origin)
        unreadable += made.exceptions
        odd |= {each.key: each.reason for each in made.unreadable}
        observed += [Observed(seen, connection_id, origin.event_id, origin.correlation) for seen in made.observations]
    alone, shared = await hold_shared_keys(session, observed, now=now, new_id=services.new_id)
    newest: dict[ElementKey, SourceItem] = {}
    for item in alone:
        seen = item.observation
        key = seen.key
        if not _owns(turn, key):
            continue  # another system owns the element, or none: the next poll reports it
        if why := find_misfit(item, turn.contracts):
            odd[key] = why
            origin = Origin(item.source_event_id, connection_id, now, item.correlation)
            unreadable.append(unreadable_value(origin, key, why))
            continue
        known = newest.get(key)
        if known is None or (known.source_version or 0) < seen.source_version:
            newest[key] = SourceItem(*key, connection_id, seen.value, seen.source_version, item.source_event_id)
    await repository.drop_items(session, turn.baseline_id, connection_id, shared)
    await repository.put_items(session, turn.baseline_id, list(newest.values()))
    items = [(key, reason) for key, reason in odd.items() if _owns(turn, key) and is_admissible_key(key.record_key)]
    await repository.put_unreadable_items(session, turn.baseline_id, connection_id, items)
    await open_exceptions(session, unreadable, now=now, new_id=services.new_id)


async def _end_part(session: AsyncSession, services: GovernanceServices, turn: _Turn) -> None:
    """Finish one system. The last source starts the channels; the last channel makes the baseline ready. A lock
    serialises them, so exactly one is the last.
    """
    baseline_id, part = turn.baseline_id, turn.part
    error = None if turn.opened.readable else reasons.PAUSED_NOT_READ.write()
    await repository.move_part(
        session, baseline_id, part.connection_id, state=BaselinePartState.READ, cursor="", error=error
    )
    baseline = await repository.lock_baseline(session, baseline_id)
    if (
        baseline is None
        or baseline.state != BaselineState.READING
        or await repository.count_unread(session, baseline_id, part.role)
    ):
        return
    if part.role == "source":
        channels = await _channels_of(session, services, turn)
        await repository.insert_parts(session, baseline_id, channels, role="channel", state=BaselinePartState.LISTING)
        enqueue(session, [read_job(baseline_id, channel) for channel in channels])
        if channels:
            return
    now, path = services.clock(), f"{BASELINE_READY.path}/{baseline_id}"
    await repository.set_ready(session, baseline_id, now=now)
    notify(session, BASELINE_READY, topic="baseline", path=path, at=now)
