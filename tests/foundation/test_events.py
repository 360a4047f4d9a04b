"""Events are published with their transaction, and become independent jobs of each subscriber."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
import redis.asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from foundation.database.engine import Database
from foundation.events import (
    DELIVER,
    EVENTS_LANE,
    DomainEvent,
    EventType,
    Subscription,
    deliver_handler,
    publish,
)
from foundation.ids import new_id
from foundation.jobs.batch import Batch
from foundation.jobs.ready_queue import ReadyQueue
from foundation.jobs.registry import JobHandler, JobRegistry
from foundation.jobs.types import JobType, NoPayload, RetryPolicy
from foundation.jobs.worker import LaneWorker
from foundation.scope import Scope
from foundation.telemetry.metrics import LaneMetrics


class Built(msgspec.Struct, frozen=True):
    rooms: int = 0


class Sold(msgspec.Struct, frozen=True):
    price: int


class Delivered(msgspec.Struct, frozen=True):
    """A subscriber's own payload, made from the event's."""

    event: str
    at: datetime
    number: int = 0


BUILT = EventType("house.built", "A house was built", Built)
SOLD = EventType("house.sold", "A house was sold", Sold)
PAINTED = EventType("house.painted", "A house was painted", NoPayload)
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
RECEIVE = JobType("test.a", "Receive", Delivered)
OTHER = JobType("test.b", "Receive, too", Delivered)
FAILING = JobType("test.failing", "Fail", NoPayload, retry=RetryPolicy(attempts=1))
Received = list[tuple[UUID | None, Delivered]]


def built(subject: UUID | None = None, *, rooms: int = 0) -> DomainEvent[Built]:
    return DomainEvent(BUILT, subject or new_id(), AT, Built(rooms))


def delivered(event: DomainEvent[Built]) -> Delivered:
    return Delivered(event.type.name, event.at, event.payload.rooms)


def sold(event: DomainEvent[Sold]) -> Delivered:
    return Delivered(event.type.name, event.at, event.payload.price)


def receiving(into: Received) -> Callable[[Batch[Delivered]], Awaitable[None]]:
    async def receive(batch: Batch[Delivered]) -> None:
        async with batch.commit():
            into.extend((item.ref, item.payload) for item in batch.items)

    return receive


async def failing(_: Batch[Any]) -> None:
    raise RuntimeError("failing")


class MspSetup:
    """A worker with its subscribers, and their lanes."""

    def __init__(
        self,
        db: Database,
        valkey: "redis.asyncio.Redis",
        subscriptions: list[Subscription[Any, Any]],
        *handlers: JobHandler[Any],
    ) -> None:
        self.db = db
        job_types = [handler.job_type for handler in handlers]
        self.worker = LaneWorker(
            db,
            ReadyQueue(valkey),
            JobRegistry([*handlers, deliver_handler([BUILT, SOLD], subscriptions, job_types)]),
            pool="shared",
            metrics=LaneMetrics(CollectorRegistry()),
            jitter=lambda: 1.0,
            lease=60,
        )

    async def tell(self, scope: Scope, *events: DomainEvent[Any]) -> None:
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
    received: Received = []
    web_app = MspSetup(db, valkey, [Subscription(BUILT, RECEIVE, delivered)], JobHandler(RECEIVE, receiving(received)))

    async def change_of_mind() -> None:
        async with db.transaction(scope) as session:
            publish(session, built())
            raise RuntimeError("change of mind")

    with pytest.raises(RuntimeError, match="change of mind"):
        await change_of_mind()
    assert await web_app.rows(scope, "SELECT lane FROM job") == []
    event = built(rooms=4)
    await web_app.tell(scope, event)
    assert await web_app.rows(scope, "SELECT lane, kind FROM job") == [(EVENTS_LANE, DELIVER.name)]
    await web_app.work(scope)
    assert received == [(event.subject, Delivered("house.built", AT, 4))]
    assert await web_app.rows(scope, "SELECT lane FROM job") == []


async def test_each_subscriber_gets_its_events_in_order(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    one: Received = []
    other: Received = []
    subscriptions: list[Subscription[Any, Any]] = [
        Subscription(BUILT, RECEIVE, delivered), Subscription(SOLD, RECEIVE, sold),
        Subscription(BUILT, OTHER, delivered),
    ]  # fmt: skip
    web_app = MspSetup(
        db, valkey, subscriptions, JobHandler(RECEIVE, receiving(one)), JobHandler(OTHER, receiving(other))
    )
    subject = new_id()
    await web_app.tell(scope, built(subject), DomainEvent(SOLD, subject, AT, Sold(3)), built(subject, rooms=1))
    await web_app.work(scope)
    first, second = Delivered("house.built", AT), Delivered("house.built", AT, 1)
    assert one == [(subject, first), (subject, Delivered("house.sold", AT, 3)), (subject, second)]
    assert other == [(subject, first), (subject, second)]


async def test_a_subscriber_that_fails_delays_no_other(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    received: Received = []
    subscriptions: list[Subscription[Any, Any]] = [
        Subscription(BUILT, RECEIVE, delivered),
        Subscription(BUILT, FAILING, lambda _: NoPayload()),
    ]
    web_app = MspSetup(
        db, valkey, subscriptions, JobHandler(RECEIVE, receiving(received)), JobHandler(FAILING, failing)
    )
    events = [built(), built()]
    await web_app.tell(scope, *events)
    await web_app.work(scope, turns=8)
    assert [subject for subject, _ in received] == [event.subject for event in events]
    reason = {"code": "failed", "params": {"type": "RuntimeError", "error": "failing"}}
    assert await web_app.rows(scope, "SELECT lane, error FROM dead_letter") == [("events/test.failing", reason)] * 2
    assert await web_app.rows(scope, "SELECT lane FROM job") == []


async def test_a_second_tenant_receives_and_reads_nothing(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope, other_scope: Scope
) -> None:
    received: Received = []
    web_app = MspSetup(db, valkey, [Subscription(BUILT, RECEIVE, delivered)], JobHandler(RECEIVE, receiving(received)))
    await web_app.tell(scope, built())
    assert await web_app.rows(other_scope, "SELECT lane FROM job") == []
    await web_app.work(other_scope)
    assert received == []
    await web_app.work(scope, turns=1)
    assert await web_app.rows(other_scope, "SELECT lane FROM job") == []


async def test_unknown_event_types_become_dead_letters(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    received: Received = []
    web_app = MspSetup(db, valkey, [Subscription(BUILT, RECEIVE, delivered)], JobHandler(RECEIVE, receiving(received)))
    await web_app.tell(scope, DomainEvent(PAINTED, new_id(), AT, NoPayload()), built())
    await web_app.work(scope)
    assert [payload.event for _, payload in received] == ["house.built"]
    assert await web_app.rows(scope, "SELECT kind, payload ->> 'event', state FROM dead_letter") == [
        (DELIVER.name, "house.painted", "open")
    ]


async def test_an_undecodable_event_is_dead_lettered_and_blocks_no_other(
    db: Database, valkey: "redis.asyncio.Redis", scope: Scope
) -> None:
    received: Received = []
    web_app = MspSetup(db, valkey, [Subscription(SOLD, RECEIVE, sold)], JobHandler(RECEIVE, receiving(received)))
    odd: EventType[Any] = EventType(SOLD.name, SOLD.title, Built)  # as declared by another release
    await web_app.tell(scope, DomainEvent(odd, new_id(), AT, Built(4)), DomainEvent(SOLD, new_id(), AT, Sold(7)))
    await web_app.work(scope)
    assert [payload.number for _, payload in received] == [7]
    error = {"code": "text", "params": {"text": "Object missing required field `price`"}}
    params = {"kind": "house.sold", "error": error}
    assert await web_app.rows(scope, "SELECT payload -> 'data', error FROM dead_letter") == [
        ({"rooms": 4}, {"code": "job.payload_invalid", "params": params})
    ]


def test_a_subscription_to_an_undeclared_event_prevents_the_start() -> None:
    with pytest.raises(ValueError, match=r"test\.a subscribes to house\.sold, which no room declares"):
        deliver_handler([BUILT], [Subscription(SOLD, RECEIVE, sold)], [RECEIVE])
    with pytest.raises(ValueError, match=r"house\.built enqueues test\.b, which nothing handles"):
        deliver_handler([BUILT], [Subscription(BUILT, OTHER, delivered)], [RECEIVE])
