"""Job: translates source events and delivers their messages to the rooms, in one transaction per batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from canonical.messages import MESSAGE_TYPES, Message, Observation, code_of
from connectors.health import record_message_received
from connectors.messages import MESSAGE_GONE
from connectors.ports import Connector
from connectors.translation.job_type import TranslateEvents
from connectors.translation.repository import (
    UnclaimedRow,
    count_unclaimed,
    load_events,
    remove_unclaimed,
    store_unclaimed,
)
from connectors.translation.subscriptions import (
    FailureKind,
    MessageRouter,
    Origin,
    Received,
    TranslationFailure,
    UnclaimedMessages,
)
from connectors.translation.translate import translate_payload
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.text import clean_foreign_text

PROMPT_BYTES, BULK_BYTES = 4 * 1024, 32 * 1024
"""Body bytes per batch. Message sizes differ a thousandfold; these limits keep a batch to a fraction of a second, so
that other lanes get the worker. The remaining jobs stay queued in order. The limit for prompt lanes is smaller, because
others wait behind them.
"""
LONGEST_REFERENCE: Final = 200
_Coded = tuple[str, Received[Any]]
"""Messages with the code of their type."""


def translate_handler(registry: Mapping[str, Connector], router: MessageRouter) -> Handler[TranslateEvents]:
    async def translate(batch: Batch[TranslateEvents]) -> None:
        async with batch.commit() as session:
            found = await _read(session, batch, registry)
            await _deliver(session, router, found)
            if found.last_message_at is not None:
                await record_message_received(session, batch.connection_id, at=found.last_message_at)

    return translate


@dataclass(slots=True)
class _BatchMessages:
    """Content of a batch: messages by type, those to be delivered only if they are still stored, and failures."""

    by_type: dict[type[Message], list[Received[Any]]] = field(default_factory=dict)
    stored: dict[tuple[UUID, type[Message]], Received[Any]] = field(default_factory=dict)
    failures: list[Received[TranslationFailure]] = field(default_factory=list)
    last_message_at: datetime | None = None
    """Receipt of the newest webhook."""

    def add(self, origin: Origin, messages: Sequence[Message], *, only: str | None) -> None:
        for message_type, items in _divide(messages).items():
            received = Received(origin, items)
            if only is None:
                self.by_type.setdefault(message_type, []).append(received)
            elif code_of(message_type) == only:
                self.stored[origin.event_id, message_type] = received


async def _read(
    session: AsyncSession, batch: Batch[TranslateEvents], registry: Mapping[str, Connector]
) -> _BatchMessages:
    most = BULK_BYTES if batch.bulk else PROMPT_BYTES
    events = await load_events(session, [item.ref for item in batch.items], most_bytes=most)
    taken = max((n for n, item in enumerate(batch.items, 1) if item.ref in events), default=len(batch.items))
    batch.skip(batch.items[taken:])
    found = _BatchMessages()
    for item in batch.items[:taken]:
        event = events.get(item.ref) if item.ref is not None else None
        if event is None:
            batch.dead_letter(item, error=MESSAGE_GONE.write())
            continue
        if event.is_deleted:
            continue
        if event.via == "webhook":
            found.last_message_at = max(found.last_message_at or event.received_at, event.received_at)
        origin = Origin(
            event.id, event.connection_id, event.received_at, event.correlation, event.via, item.payload.any_version
        )
        if item.payload.id_conflict:
            found.failures.append(Received(origin, [TranslationFailure(FailureKind.ID_CONFLICT)]))
            continue
        connector = registry.get(event.kind)
        made = translate_payload(None if connector is None else connector.source, event.body, origin)
        found.add(origin, made.messages, only=item.payload.unclaimed)
        # A replay of one type does not concern single values, which newer messages may have corrected since.
        failures = [each for each in made.failures if item.payload.unclaimed is None or each.value is None]
        if failures:
            found.failures.append(Received(origin, failures))
    return found


async def _deliver(session: AsyncSession, router: MessageRouter, found: _BatchMessages) -> None:
    """Deliver messages that rooms read, and store the rest as unclaimed. Failures are reported after the messages: a
    value that is unreadable in a newer event of the batch may be readable in an older one.
    """
    reading = {one: items for one, items in found.by_type.items() if router.reads(one)}
    unclaimed = [(code_of(one), item) for one, items in found.by_type.items() if one not in reading for item in items]
    # Unclaimed messages are also delivered with an event that is replayed as a whole. Observations, which nearly all
    # messages are, always have a reader.
    whole = {
        (item.origin.event_id, one): item
        for one, items in reading.items() if one is not Observation for item in items
    }  # fmt: skip
    again = {key: item for key, item in found.stored.items() if router.reads(key[1]) and key not in whole}
    claimed = await remove_unclaimed(session, [(event_id, code_of(one)) for event_id, one in (*whole, *again)])
    for (event_id, one), item in again.items():
        if (event_id, code_of(one)) in claimed:
            reading.setdefault(one, []).append(item)
    stored = {(item.origin.event_id, code): _unclaimed_row(code, item) for code, item in unclaimed}
    await store_unclaimed(session, list(stored.values()))
    await router.deliver(session, {one: reading[one] for one in MESSAGE_TYPES if one in reading})
    if found.failures:
        await router.deliver(session, {TranslationFailure: found.failures})
    gone = [
        (code_of(one), item) for (event_id, one), item in (whole | again).items() if (event_id, code_of(one)) in claimed
    ]
    if notices := await _count(session, added=unclaimed, gone=gone):
        await router.deliver(session, {UnclaimedMessages: notices})


async def _count(
    session: AsyncSession, *, added: Sequence[_Coded], gone: Sequence[_Coded]
) -> list[Received[UnclaimedMessages]]:
    """Number of stored messages of each type to which messages were added, or of which none is left."""
    origins = {(item.origin.connection_id, code): item.origin for code, item in (*gone, *added)}
    grown = {(item.origin.connection_id, code) for code, item in added}
    notices = []
    for key in sorted(origins):
        number = await count_unclaimed(session, *key)
        if key in grown or not number:
            notices.append(Received(origins[key], [UnclaimedMessages(key[1], number)]))
    return notices


def _divide(messages: Sequence[Message]) -> dict[type[Message], list[Message]]:
    found: dict[type[Message], list[Message]] = {}
    for message in messages:
        found.setdefault(type(message), []).append(message)
    return found


def _unclaimed_row(code: str, item: Received[Any]) -> UnclaimedRow:
    origin, reference = item.origin, clean_foreign_text(item.messages[0].reference[:LONGEST_REFERENCE])
    return UnclaimedRow(
        origin.event_id, code, origin.connection_id, reference, len(item.messages), origin.received_at
    )  # fmt: skip
