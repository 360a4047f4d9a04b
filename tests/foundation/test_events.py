"""Events leave with their transaction and become work of each subscriber, apart from one another."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
import redis.asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from foundation.database.engine import Database
from foundation.events import DELIVER, EVENTS_LANE, DomainEvent, EventType, Subscription, deliver_job, event_of, publish
from foundation.ids import new_id
from foundation.jobs.batch import Batch
from foundation.jobs.ready_queue import ReadyQueue
from foundation.jobs.types import JobType, JobTypes, RetryPolicy
from foundation.jobs.worker import LaneWorker
from foundation.scope import Scope
from foundation.telemetry.metrics import LaneMetrics

BUILT, SOLD = EventType("house.built"), EventType("house.sold")
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
Heard = list[DomainEvent]


def house(kind: EventType = BUILT, subject: UUID | None = None, **data: object) -> DomainEvent:
    return DomainEvent(kind, subject or new_id(), AT, dict(data))


def hearing(into: Heard) -> Callable[[Batch], Awaitable[None]]:
    async def hear(batch: Batch) -> None:
        async with batch.commit():
            into.extend(map(event_of, batch.items))

    return hear


async def deaf(_: Batch) -> None:
    raise RuntimeError("deaf")


class House:
    """A worker with its subscribers, and the lanes it has work in."""

    def __init__(
        self, db: Database, valkey: "redis.asyncio.Redis", subscriptions: list[Subscription], *jobs: JobType
    ) -> None:
        self.db = db
        job_types = JobTypes([*jobs, deliver_job([BUILT, SOLD], subscriptions, jobs)])
        self.worker = LaneWorker(
            db,
            ReadyQueue(valkey),
            job_types,
            pool="shared",
            metrics=LaneMetrics(CollectorRegistry()),
            jitter=lambda: 1.0,
            lease=60,
        )

    async def tell(self, scope: Scope, *events: DomainEvent) -> None:
        async with self.db.transaction(scope) as session:
            for event in events:
                publish(session, event)

    async def work(self, scope: Scope, *, turns: int = 3) -> None:
        for _ in range(turns):
            for (lane,) in await self.rows(scope, "SELECT DISTINCT lane FROM job ORDER BY lane"):
                await self.worker.run_lane(scope.msp_id, scope.tenant_id, str(lane))

    async def rows(self, scope: Scope, sql: str) -> list[tuple[object, ...]]:
        async with self.db.transaction(scope) as session:
            return [tuple(row) for row in await session.execute(text(sql))]


async def test_an_event_leaves_with_its_transaction_and_not_without(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    heard: Heard = []
    site = House(db, valkey, [Subscription(BUILT, "test.a")], JobType("test.a", hearing(heard)))

    async def change_of_mind() -> None:
        async with db.transaction(scope) as session:
            publish(session, house())
            raise RuntimeError("change of mind")

    with pytest.raises(RuntimeError, match="change of mind"):
        await change_of_mind()
    assert await site.rows(scope, "SELECT lane FROM job") == []
    event = house(rooms=4)
    await site.tell(scope, event)
    assert await site.rows(scope, "SELECT lane, kind FROM job") == [(EVENTS_LANE, DELIVER)]
    await site.work(scope)
    assert heard == [event]
    assert await site.rows(scope, "SELECT lane FROM job") == []


async def test_each_subscriber_gets_what_it_subscribed_to_in_order(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    one: Heard = []
    other: Heard = []
    subscriptions = [Subscription(BUILT, "test.a"), Subscription(SOLD, "test.a"), Subscription(BUILT, "test.b")]
    site = House(db, valkey, subscriptions, JobType("test.a", hearing(one)), JobType("test.b", hearing(other)))
    subject = new_id()
    events = [house(BUILT, subject), house(SOLD, subject, price=3), house(BUILT, subject)]
    await site.tell(scope, *events)
    await site.work(scope)
    assert one == events
    assert other == [events[0], events[2]]


async def test_a_subscriber_that_fails_holds_no_other_up(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    heard: Heard = []
    subscriptions = [Subscription(BUILT, "test.a"), Subscription(BUILT, "test.deaf")]
    jobs = [JobType("test.a", hearing(heard)), JobType("test.deaf", deaf, retry=RetryPolicy(attempts=1))]
    site = House(db, valkey, subscriptions, *jobs)
    events = [house(), house()]
    await site.tell(scope, *events)
    await site.work(scope, turns=8)
    assert heard == events
    assert (
        await site.rows(scope, "SELECT lane, error FROM dead_letter")
        == [("events/test.deaf", "RuntimeError: deaf")] * 2
    )
    assert await site.rows(scope, "SELECT lane FROM job") == []


async def test_a_second_tenant_hears_and_sees_nothing(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope, other_scope: Scope
) -> None:
    heard: Heard = []
    site = House(db, valkey, [Subscription(BUILT, "test.a")], JobType("test.a", hearing(heard)))
    await site.tell(scope, house())
    assert await site.rows(other_scope, "SELECT lane FROM job") == []
    await site.work(other_scope)
    assert heard == []
    await site.work(scope, turns=1)
    assert await site.rows(other_scope, "SELECT lane FROM job") == []


async def test_what_a_newer_release_announces_is_kept_for_a_person(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    heard: Heard = []
    site = House(db, valkey, [Subscription(BUILT, "test.a")], JobType("test.a", hearing(heard)))
    await site.tell(scope, house(EventType("house.painted")), house())
    await site.work(scope)
    assert [event.kind for event in heard] == [BUILT]
    assert await site.rows(scope, "SELECT kind, payload ->> 'event', state FROM dead_letter") == [
        (DELIVER, "house.painted", "open")
    ]


def test_who_waits_for_what_nobody_announces_does_not_start() -> None:
    job = JobType("test.a", deaf)
    with pytest.raises(ValueError, match=r"test\.a waits for house\.sold, which nobody announces"):
        deliver_job([BUILT], [Subscription(SOLD, "test.a")], [job])
    with pytest.raises(ValueError, match=r"house\.built is to become test\.b, which nobody does"):
        deliver_job([BUILT], [Subscription(BUILT, "test.b")], [job])
