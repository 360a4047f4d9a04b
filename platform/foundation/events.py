"""Domain events, from a lower room to higher rooms that it does not import.

`publish` enqueues one job in the caller's transaction, so the event exists if and only if that commits. That job
enqueues one job per subscription, each in the subscription's own lane: a failing subscriber does not delay the others,
and events about one subject arrive in order. Delivery is at least once; writes in the transaction that completes the
subscriber's batch happen once, and all its other effects must be idempotent. State may have changed by the time of
delivery, so a subscriber reads the current state.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.i18n.messages import text_of
from foundation.jobs import messages
from foundation.jobs.batch import Batch, ClaimedJob
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import JobHandler
from foundation.jobs.types import JobType, P
from foundation.marks import N_

E = TypeVar("E", bound=msgspec.Struct)
EVENTS_LANE: Final = "events"


class DeliverEvent(msgspec.Struct, frozen=True):
    """An event as the payload of a job. `data` is the event's payload, not decoded yet."""

    event: str
    at: datetime
    data: Any = msgspec.field(default_factory=dict)


DELIVER: Final = JobType("foundation.deliver_event", N_("Deliver an event to its subscribers"), DeliverEvent)


@dataclass(frozen=True, slots=True)
class EventType(Generic[E]):
    """A type of event. `name` is `<noun>.<past participle>`, `title` its display name.

    Declared by the room that publishes it, in its `events.py`.
    """

    name: str
    title: str
    payload: type[E]


class DomainEvent(msgspec.Struct, Generic[E], frozen=True):
    """An event. `subject` is the id of the affected object."""

    type: EventType[E]
    subject: UUID
    at: datetime
    payload: E


@dataclass(frozen=True, slots=True)
class Subscription(Generic[E, P]):
    """A job to enqueue for each event of a type. `payload_of` makes the job's payload; its `ref` is the subject."""

    event: EventType[E]
    job_type: JobType[P]
    payload_of: Callable[[DomainEvent[E]], P]

    @property
    def lane(self) -> str:
        return f"{EVENTS_LANE}/{self.job_type.name}"

    def job_of(self, event: DomainEvent[E], item: ClaimedJob[DeliverEvent]) -> NewJob[P]:
        payload = self.payload_of(event)
        return NewJob(
            self.lane, self.job_type, item.key, ref=event.subject, payload=payload, correlation=item.correlation
        )


def publish(session: AsyncSession, event: DomainEvent[Any]) -> None:
    payload = DeliverEvent(event.type.name, event.at, msgspec.to_builtins(event.payload))
    enqueue(session, [NewJob(EVENTS_LANE, DELIVER, key=str(event.subject), ref=event.subject, payload=payload)])


def deliver_handler(
    published: Iterable[EventType[Any]], subscriptions: Iterable[Subscription[Any, Any]], jobs: Iterable[JobType[Any]]
) -> JobHandler[DeliverEvent]:
    """Handler that fans events out, for the composition root. `published` is every event type that any room declares.

    Raises:
        ValueError: a subscription names an event type that no room declares, or a job type that nothing handles.
    """
    known, handled = {event.name: event for event in published}, {job.name for job in jobs}
    subscribed: dict[str, list[Subscription[Any, Any]]] = {name: [] for name in known}
    for subscription in subscriptions:
        event, job_type = subscription.event.name, subscription.job_type.name
        if event not in known:
            raise ValueError(f"{job_type} subscribes to {event}, which no room declares")
        if job_type not in handled:
            raise ValueError(f"{event} enqueues {job_type}, which nothing handles")
        subscribed[event].append(subscription)

    async def deliver(batch: Batch[DeliverEvent]) -> None:
        async with batch.commit() as session:
            enqueue(session, _jobs_of(batch, known, subscribed))

    return JobHandler(DELIVER, deliver)


def _jobs_of(
    batch: Batch[DeliverEvent],
    known: Mapping[str, EventType[Any]],
    subscribed: Mapping[str, Sequence[Subscription[Any, Any]]],
) -> list[NewJob[Any]]:
    jobs: list[NewJob[Any]] = []
    for item in batch.items:
        sent = item.payload
        event_type = known.get(sent.event)
        # Events of a newer release become dead letters, to be replayed once the workers are upgraded.
        if event_type is None or item.ref is None:
            batch.dead_letter(item, error=messages.EVENT_UNKNOWN.write(event=sent.event))
            continue
        try:
            payload = msgspec.convert(sent.data, event_type.payload)
        except msgspec.ValidationError as error:
            batch.dead_letter(item, error=messages.PAYLOAD_INVALID.write(kind=sent.event, error=text_of(error)))
            continue
        event = DomainEvent(event_type, item.ref, sent.at, payload)
        jobs += [subscription.job_of(event, item) for subscription in subscribed[sent.event]]
    return jobs
