"""Group commit: many deliveries, of any tenants, in one transaction; each is acknowledged only when durable.

Technique: DeWitt et al. 1984 (group commit). There is no timer: the next group accumulates while one is written, so an
idle system answers after one commit and a busy one shares each commit among hundreds.
"""

import asyncio
import contextlib
import hashlib
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import structlog

from foundation.database.connecting import ReconnectingConnection
from foundation.database.engine import Hints, WakeLanes
from foundation.errors import Unavailable
from foundation.jobs.enqueue import INSERT_JOBS
from foundation.jobs.lanes import connection_lane
from foundation.jobs.types import JobType
from foundation.jobs.wakeups import Waker
from foundation.marks import N_
from foundation.text import is_storable

_log = structlog.get_logger(__name__)
MAX_GROUP = 500
PATIENCE_SECONDS = 8.0
"""Longer than a healthy database takes for a group. After that, waiting callers get a retryable error and a new
connection is opened; if the unresponsive connection did commit, the next delivery is a duplicate.
"""
INGEST_DIRECTION = "ingest"

LONGEST_ID = 200


class StoredEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the job of a stored event, which is its `ref`. The job type may add fields with defaults.

    The database lets intake write only these values.
    """

    id_conflict: bool = False
    """The external id was used before for other content, so a member decides."""


class Stored(StrEnum):
    NEW = "new"
    DUPLICATE = "duplicate"
    ID_CONFLICT = "id-conflict"  # see `StoredEvent.id_conflict`


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One received payload. `dedupe_key` is the sender's id, or the body's hash when there is none."""

    id: UUID
    msp_id: UUID
    tenant_id: UUID
    connection_id: UUID
    dedupe_key: str
    body_hash: bytes
    body: bytes
    content_type: str
    via: str
    received_at: datetime
    correlation: str


def storable_id(external_id: str) -> str:
    """A sender's id in storable form: its hash when too long, or with characters that a database cannot store."""
    if len(external_id) <= LONGEST_ID and is_storable(external_id):
        return external_id
    return hashlib.sha256(external_id.encode("utf-8", "surrogatepass")).hexdigest()


# The key determines new deliveries. DO NOTHING without a target needs no right to read existing rows.
_STORE = f"""
    WITH incoming AS (
        SELECT id, msp_id, tenant_id, connection_id, dedupe_key, decode(body_hash, 'base64') AS body_hash,
               decode(body, 'base64') AS body, content_type, via, received_at, correlation, place
          FROM ROWS FROM (json_to_recordset(%s::json) AS (
                   id uuid, msp_id uuid, tenant_id uuid, connection_id uuid, dedupe_key varchar, body_hash varchar,
                   body varchar, content_type varchar, via varchar, received_at timestamptz, correlation varchar
               )) WITH ORDINALITY AS i (id, msp_id, tenant_id, connection_id, dedupe_key, body_hash, body, content_type,
                                        via, received_at, correlation, place)
    ), put AS (
        INSERT INTO source_event_key (tenant_id, msp_id, connection_id, dedupe_key, body_hash, event_id, via)
        SELECT tenant_id, msp_id, connection_id, dedupe_key, body_hash, id, via FROM incoming ORDER BY place
        ON CONFLICT DO NOTHING
        RETURNING tenant_id, event_id AS id
    ), kept AS (
        INSERT INTO source_event (tenant_id, msp_id, id, connection_id, dedupe_key, body_hash, body, content_type, via,
                                  received_at, correlation)
        SELECT tenant_id, i.msp_id, id, i.connection_id, i.dedupe_key, i.body_hash, i.body, i.content_type, i.via,
               i.received_at, i.correlation FROM incoming i JOIN put USING (tenant_id, id) ORDER BY i.place
    ), queued AS (
        {INSERT_JOBS}
        SELECT i.tenant_id, i.msp_id, 'ingest/' || i.connection_id, %s, i.connection_id::varchar, i.id, %s,
               i.correlation
          FROM incoming i JOIN put USING (tenant_id, id) ORDER BY i.place
    )
    SELECT id FROM put
"""
_KNOWN = """
    SELECT e.tenant_id, e.connection_id, e.dedupe_key, e.body_hash
      FROM source_event_key e
      JOIN unnest(%s::uuid[], %s::uuid[], %s::varchar[]) AS k (tenant_id, connection_id, dedupe_key)
        ON (e.tenant_id, e.connection_id, e.dedupe_key) = (k.tenant_id, k.connection_id, k.dedupe_key)
"""


async def store_deliveries(
    connection: psycopg.AsyncConnection[Any], deliveries: Sequence[Delivery], *, job_type: JobType[Any]
) -> list[Stored]:
    """Write the deliveries in the connection's current transaction (or an implicit one), with a job of type
    `job_type`, whose payload extends `StoredEvent`, for each new one.

    A repeated external id with other content is stored too, marked, so that nothing is lost.
    """
    new = await _put(connection, deliveries, job_type=job_type)
    rest = [delivery for delivery in deliveries if delivery.id not in new]
    reused = await _reused(connection, rest) if rest else []
    if reused:
        await _put(connection, reused, job_type=job_type, payload=StoredEvent(id_conflict=True))
    reused_ids = {delivery.id for delivery in reused}
    return [
        Stored.NEW if d.id in new else Stored.ID_CONFLICT if d.id in reused_ids else Stored.DUPLICATE
        for d in deliveries
    ]


async def _put(
    connection: psycopg.AsyncConnection[Any],
    deliveries: Sequence[Delivery],
    *,
    job_type: JobType[Any],
    payload: StoredEvent | None = None,
) -> set[UUID]:
    document = msgspec.json.encode(deliveries).decode()  # a tenth of the cost of eleven arrays
    stored = None if payload is None else msgspec.json.encode(payload).decode()
    cursor = await connection.execute(_STORE, (document, job_type.name, stored))
    return {row[0] for row in await cursor.fetchall()}


async def _reused(connection: psycopg.AsyncConnection[Any], rest: Sequence[Delivery]) -> list[Delivery]:
    keys = [[getattr(d, name) for d in rest] for name in ("tenant_id", "connection_id", "dedupe_key")]
    cursor = await connection.execute(_KNOWN, keys)
    known = {(row[0], row[1], row[2]): bytes(row[3]) for row in await cursor.fetchall()}
    return [
        msgspec.structs.replace(d, dedupe_key=f"{d.dedupe_key}#{d.body_hash.hex()}")
        for d in rest
        if known.get((d.tenant_id, d.connection_id, d.dedupe_key), d.body_hash) != d.body_hash
    ]


class IntakeWriter:
    """The single writer of a web process. A job of type `job_type` is enqueued for each new delivery."""

    def __init__(self, conninfo: str, *, job_type: JobType[Any], wake_lanes: WakeLanes, limit: int = 20_000) -> None:
        self._connection = ReconnectingConnection(
            conninfo, round_trip_timeout=PATIENCE_SECONDS, prepare_threshold=1, application_name="fairlead intake"
        )
        self._job_type = job_type
        self._waker = Waker(wake_lanes)  # a slow Valkey delays no response
        self._limit = limit
        self._waiting: deque[tuple[Delivery, asyncio.Future[Stored]]] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop the writer. Waiting callers get a retryable error; their deliveries were not acknowledged."""
        self._stopping = True  # a cancellation may be lost: redis-py swallows one that arrives while it connects
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(Unavailable(N_("The service is stopping. Send this again.")))
        self._waiting.clear()
        await self._waker.close()
        await self._connection.close()

    async def store(self, delivery: Delivery) -> Stored:
        """Store a delivery; returns when it is durable.

        Raises:
            Unavailable: the write failed; the sender should retry.
        """
        if len(self._waiting) >= self._limit:
            raise Unavailable(N_("Too many webhooks are waiting to be stored. Send this one again in a few seconds."))
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, future))
        self._wake.set()
        return await future

    async def _run(self) -> None:
        while not self._stopping:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            group = [self._waiting.popleft() for _ in range(min(MAX_GROUP, len(self._waiting)))]
            try:
                await self._write(group)
            except Exception:  # noqa: BLE001 - an error in one group must not end the writer
                _log.exception("intake.failed")
                _fail(group, Unavailable(N_("The webhook could not be stored. Send it again.")))

    async def _write(self, group: "list[tuple[Delivery, asyncio.Future[Stored]]]") -> None:
        try:
            # Statements commit one by one: without a repeated id, which is the rule, there is one. Deliveries stored
            # before a failure between them were not acknowledged, and are duplicates when they are sent again.
            connection = await self._connection.get()
            results = await store_deliveries(connection, [delivery for delivery, _ in group], job_type=self._job_type)
        except psycopg.OperationalError as error:
            await self._connection.close()
            _log.warning("intake.database_away", error=str(error))
            _fail(group, Unavailable(N_("The webhook could not be stored. Send it again.")))
            return
        except psycopg.Error as error:
            # One webhook refused by the database must not fail the others: bisect until it is alone.
            if len(group) == 1:
                _log.warning("intake.refused", error=str(error))
                _fail(group, error)
                return
            middle = len(group) // 2
            await self._write(group[:middle])
            await self._write(group[middle:])
            return
        hints: Hints = {}
        for (delivery, future), result in zip(group, results, strict=True):
            if not future.done():
                future.set_result(result)
            if result is not Stored.DUPLICATE:
                lanes = hints.setdefault((delivery.msp_id, delivery.tenant_id), set())
                lanes.add(connection_lane(INGEST_DIRECTION, delivery.connection_id))
        self._waker.wake_soon(hints)


def _fail(group: "list[tuple[Delivery, asyncio.Future[Stored]]]", error: Exception) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)
