"""Domain events: what a lower room tells a higher one, which it does not know.

`publish` leaves one item of work in the caller's transaction, so the event exists when, and only when, that commits.
Its turn leaves one item per subscription, each in the subscription's own lane: who fails holds no other up, and events
about one subject come in order. An event is delivered at least once; what a subscriber writes in the transaction that
finishes its turn happens once, and anything else it does must bear a repetition. By the time it is delivered the world
may have moved on, so a subscriber looks at how things are now.
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
    """`name` is `<noun>.<what happened to it>`. Declared by the room that announces it, in its `events.py`."""

    name: str


class DomainEvent(msgspec.Struct, frozen=True):
    """`subject` is what it happened to; `data` is of JSON's types."""

    kind: EventType
    subject: UUID
    at: datetime
    data: dict[str, Any] = {}


class Subscription(msgspec.Struct, frozen=True):
    """`job` is the kind of work that each such event becomes."""

    event: EventType
    job: str

    @property
    def lane(self) -> str:
        return f"{EVENTS_LANE}/{self.job}"


def publish(session: AsyncSession, event: DomainEvent) -> None:
    body = {"event": event.kind.name, "at": event.at.isoformat(), "data": event.data}
    enqueue(session, [NewJob(EVENTS_LANE, DELIVER, key=str(event.subject), ref=event.subject, body=body)])


def event_of(item: ClaimedJob) -> DomainEvent:
    """What a subscriber's item of work is about.

    Raises:
        ValueError: it is none.
    """
    if item.ref is None or item.body is None:
        raise ValueError(f"work of kind {item.kind} tells of no event")
    kind, at = EventType(item.body["event"]), datetime.fromisoformat(item.body["at"])
    return DomainEvent(kind, item.ref, at, item.body["data"])


def deliver_job(
    announced: Iterable[EventType], subscriptions: Iterable[Subscription], jobs: Iterable[JobType]
) -> JobType:
    """For the composition root: `announced` is every event any room declares.

    Raises:
        ValueError: somebody subscribes to what nobody announces, or with work that nobody does.
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
            enqueue(session, _work_of(batch, subscribed))

    return JobType(DELIVER, deliver)


def _work_of(batch: Batch, subscribed: Mapping[str, Sequence[Subscription]]) -> list[NewJob]:
    work: list[NewJob] = []
    for item in batch.items:
        name = (item.body or {}).get("event", "")
        if name not in subscribed:  # left by a newer release: a person replays it when the workers are as new
            batch.dead_letter(item, error=f"No room of this release announces {name}")
            continue
        work += [
            NewJob(each.lane, each.job, item.key, ref=item.ref, body=item.body, correlation=item.correlation)
            for each in subscribed[name]
        ]
    return work
