"""Dramatiq broker over the ready queue. A message only hints that a lane may have jobs; the jobs are in PostgreSQL.

Dramatiq's own Redis broker polls with a back-off, costs two threads and a share of commands per queue, and finds the
orphans of a killed worker after a minute or by chance. Here a consumer blocks until its pool's ready queue has a lane,
and the relay repeats lost messages.
"""

import threading
import time
from collections.abc import Iterable
from typing import Any

import dramatiq
import redis
import structlog
from dramatiq.broker import Broker, Consumer, MessageProxy

from foundation.jobs.ready_queue import LaneClass, LaneTicket, ReadyQueueReader

_log = structlog.get_logger(__name__)
RUN_LANE = "run_lane"
AWAY_SECONDS = 0.25


class LaneBroker(Broker):
    """Broker with at most `slots` unfinished messages, so that the choice of the next lane is made as late as
    possible.
    """

    def __init__(
        self,
        client: "redis.Redis",
        *,
        slots: int,
        middleware: Iterable[dramatiq.Middleware],
        lane_class: LaneClass = LaneClass.ALL,
    ) -> None:
        super().__init__(middleware=list(middleware))
        self._client = client
        self._slots = slots
        self._lane_class = lane_class
        self._consumers: dict[str, _ReadyQueueConsumer] = {}

    @property
    def silent_seconds(self) -> float:
        """Seconds since the least active consumer last polled."""
        return max((consumer.silent_seconds for consumer in self._consumers.values()), default=0.0)

    def declare_queue(self, queue_name: str) -> None:
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues[queue_name] = None
            self.emit_after("declare_queue", queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1000) -> Consumer:  # noqa: ARG002 - dramatiq's signature
        consumer = _ReadyQueueConsumer(
            ReadyQueueReader(self._client, self._lane_class), queue_name, self._slots, timeout / 1000
        )
        self._consumers[queue_name] = consumer
        return consumer

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        """Always refused: jobs are enqueued through the outbox (`foundation.jobs.enqueue.enqueue`), never directly.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(f"{message.actor_name} cannot be sent (delay={delay}): use enqueue(session, jobs) instead")


class _ReadyQueueConsumer(Consumer):
    def __init__(self, reader: ReadyQueueReader, pool: str, slots: int, timeout: float) -> None:
        self._reader = reader
        self._pool = pool
        self._free = threading.Semaphore(slots)
        self._timeout = timeout
        self._away = False
        self._polled_at = time.monotonic()

    @property
    def silent_seconds(self) -> float:
        return time.monotonic() - self._polled_at

    def __next__(self) -> MessageProxy | None:
        self._polled_at = time.monotonic()
        if not self._free.acquire(timeout=self._timeout):
            return None
        ticket = None
        try:
            ticket = self._take()
        finally:
            if ticket is None:
                self._free.release()
        if ticket is None:
            return None
        return MessageProxy(
            dramatiq.Message(
                queue_name=self._pool,
                actor_name=RUN_LANE,
                args=(str(ticket.msp_id), str(ticket.tenant_id), ticket.lane, ticket.bulk),
                kwargs={},
                options={},
            )
        )

    def _take(self) -> LaneTicket | None:
        """Take a ticket. Outages are waited out here: dramatiq would wait three seconds before the next attempt."""
        try:
            ticket = self._reader.take(self._pool, self._timeout)
        except redis.RedisError as error:
            if not self._away:
                _log.warning("worker.valkey_away", error=str(error))
            self._away = True
            time.sleep(AWAY_SECONDS)
            return None
        self._away = False
        return ticket

    def ack(self, message: MessageProxy) -> None:  # noqa: ARG002 - dramatiq's signature
        self._free.release()

    def nack(self, message: MessageProxy) -> None:  # noqa: ARG002
        self._free.release()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Do nothing: the relay wakes lanes with ready jobs and no lease."""
