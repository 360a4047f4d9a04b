"""Domain events, from a lower room to higher rooms that it does not import.

`publish` enqueues one job in the caller's transaction, so the event exists when, and only when, that commits. That job
enqueues one job per subscription, each in the subscription's own lane: a failing subscriber does not delay the others,
and events about one subject arrive in order. Delivery is at least once; writes in the transaction that completes the
subscriber's batch happen once, and all its other effects must be idempotent. State may have changed by the time of
delivery, so a subscriber reads the current state.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.jobs.batch import Batch, ClaimedJob
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.types import JobType

DELIVER: Final = "foundation.deliver_event"
EVENTS_LANE: Final = "events"


class EventType(msgspec.Struct, frozen=True):
    """A type of event. `name` is `<noun>.<past participle>`. Declared by the room that publishes it, in its
    `events.py`.
    """

    name: str


class DomainEvent(msgspec.Struct, frozen=True):
    """An event. `subject` is the id of the affected object; `data` has JSON's types."""

    kind: EventType
    subject: UUID
    at: datetime
    data: dict[str, Any] = {}


class Subscription(msgspec.Struct, frozen=True):
    """A job type to enqueue for each event of a type. `job` is the job type's name."""

    event: EventType
    job: str

    @property
    def lane(self) -> str:
        return f"{EVENTS_LANE}/{self.job}"


def publish(session: AsyncSession, event: DomainEvent) -> None:
    payload = {"event": event.kind.name, "at": event.at.isoformat(), "data": event.data}
    enqueue(session, [NewJob(EVENTS_LANE, DELIVER, key=str(event.subject), ref=event.subject, payload=payload)])


def event_of(item: ClaimedJob) -> DomainEvent:
    """The event that a subscriber's job carries.

    Raises:
        ValueError: the job carries no event.
    """
    if item.ref is None or item.payload is None:
        raise ValueError(f"a job of type {item.kind} carries no event")
    kind, at = EventType(item.payload["event"]), datetime.fromisoformat(item.payload["at"])
    return DomainEvent(kind, item.ref, at, item.payload["data"])


def deliver_job(
    announced: Iterable[EventType], subscriptions: Iterable[Subscription], jobs: Iterable[JobType]
) -> JobType:
    """Job type that fans events out, for the composition root. `announced` is every event type that any room declares.

    Raises:
        ValueError: a subscription names an event type that no room declares, or a job type that does not exist.
    """
    known, names = {kind.name for kind in announced}, {job.name for job in jobs}
    subscribed: dict[str, list[Subscription]] = {name: [] for name in known}
    for subscription in subscriptions:
        if subscription.event.name not in known:
            raise ValueError(f"{subscription.job} waits for {subscription.event.name}, which nobody announces")
        if subscription.job not in names:
            raise ValueError(f"{subscription.event.name} is to become {subscription.job}, which nobody does")
        subscribed[subscription.event.name].append(subscription)

    async def deliver(batch: Batch) -> None:
        async with batch.commit() as session:
            enqueue(session, _jobs_of(batch, subscribed))

    return JobType(DELIVER, deliver)


def _jobs_of(batch: Batch, subscribed: Mapping[str, Sequence[Subscription]]) -> list[NewJob]:
    jobs: list[NewJob] = []
    for item in batch.items:
        name = (item.payload or {}).get("event", "")
        if name not in subscribed:  # published by a newer release: a member replays it once the workers are as new
            batch.dead_letter(item, error=f"No room of this release announces {name}")
            continue
        jobs += [
            NewJob(each.lane, each.job, item.key, ref=item.ref, payload=item.payload, correlation=item.correlation)
            for each in subscribed[name]
        ]
    return jobs
