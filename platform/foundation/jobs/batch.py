"""Batch: the jobs of one lane that a worker has leased, and the transaction that completes them."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import Database
from foundation.i18n.messages import MessageText, encode_text
from foundation.jobs.lanes import connection_of
from foundation.jobs.types import P
from foundation.scope import Scope

FENCED_SQLSTATE = "FL001"
_OUTAGE_SECONDS = 0.25
_COMMIT_SECONDS = 1.0
T = TypeVar("T")
_OUTAGES = ("08", "53", "57P", "58", "25P03")
"""SQLSTATE prefixes of an outage: connection lost, out of resources, shut down, system error. 25P03: this process was
stopped inside a transaction.
"""


class ClaimedJob(msgspec.Struct, Generic[P], frozen=True):
    """A job of a leased batch. `kind` is the name of its type."""

    seq: int
    kind: str
    key: str
    ref: UUID | None
    payload: P
    attempts: int
    enqueued_at: datetime
    correlation: str
    is_retry: bool = False
    """A remote call for this job has failed before, so the next one spends retry budget."""


class _Deferred(NamedTuple):
    delay: float
    error: MessageText | None
    counted: bool
    is_retry: bool


class Lease(msgspec.Struct, frozen=True):
    lane: str
    fence: int
    seconds: float
    crash_count: int = 0
    """Number of consecutive earlier batches whose worker process died."""


class LeaseLost(Exception):
    """Raised when another worker holds the lane. The last transaction of this batch was rolled back."""


class DatabaseSilent(psycopg.OperationalError):
    """No response from the database within the client's deadline. A psycopg error, so `is_outage` treats it as an
    outage.
    """


_FINISH = text("""
    SELECT lane_finish(:tenant_id, :lane, :fence, CAST(:done AS bigint[]), CAST(:retry AS bigint[]),
        CAST(:delays AS double precision[]), CAST(:errors AS jsonb[]), CAST(:failure_count AS smallint), :pause,
        CAST(:crash_count AS smallint), CAST(:counted AS boolean[]), CAST(:is_retry AS boolean[]))
""")
_DEAD_LETTER = text("""
    INSERT INTO dead_letter (tenant_id, msp_id, id, lane, kind, key, ref, payload, attempts, error, enqueued_at,
                             died_at, correlation)
    SELECT tenant_id, msp_id, gen_random_uuid(), lane, kind, key, ref, payload, attempts + 1, d.error, enqueued_at,
           clock_timestamp(), correlation
      FROM job JOIN unnest(CAST(:seqs AS bigint[]), CAST(:errors AS jsonb[])) AS d (seq, error) USING (seq)
     WHERE tenant_id = :tenant_id AND lane = :lane
""")


class Batch(Generic[P]):
    """Leased jobs of one type, in order. `commit` completes every job that was not retried, deferred, skipped or
    dead-lettered.
    """

    def __init__(  # noqa: PLR0913 - the parts of a batch
        self,
        database: Database,
        scope: Scope,
        lease: Lease,
        items: Sequence[ClaimedJob[P]],
        *,
        bulk: bool = False,
        requested_at: float | None = None,
    ) -> None:
        """A batch that is not `bulk` should be short: other lanes wait behind it.

        `requested_at` is the time on the monotonic clock just before the claim was sent; the lease runs from then.
        """
        self.bulk = bulk
        self.scope = scope
        self.lease = lease
        self.lane = lease.lane
        self.items = items
        self.more = False
        self.finished = False
        self._database = database
        self._deadline = (time.monotonic() if requested_at is None else requested_at) + lease.seconds
        self._deferred: dict[int, _Deferred] = {}
        self._dead: dict[int, MessageText] = {}
        self._skipped: set[int] = set()
        self._pause = 0.0
        self._failure_count = 0
        self._crash_count = max(lease.crash_count - 1, 0)

    def retry(self, item: ClaimedJob[P], *, delay: float, error: MessageText, is_retry: bool = False) -> None:
        """Retry after `delay` seconds, counting an attempt; later jobs with the same key wait for this one.

        `is_retry`: a remote call was made for the job, so its next call spends retry budget.
        """
        self._deferred[item.seq] = _Deferred(delay, error, counted=True, is_retry=is_retry)

    def defer(self, item: ClaimedJob[P], *, delay: float, is_retry: bool, error: MessageText | None = None) -> None:
        """Reschedule without counting an attempt; `error=None` keeps the last error."""
        self._deferred[item.seq] = _Deferred(delay, error, counted=False, is_retry=is_retry)

    def dead_letter(self, item: ClaimedJob[P], *, error: MessageText) -> None:
        """Move a failed job to the dead letters, where a member replays or discards it."""
        self._dead[item.seq] = error

    def skip(self, items: Sequence[ClaimedJob[P]]) -> None:
        """Leave jobs in the lane unprocessed, in order, without counting an attempt."""
        self._skipped.update(item.seq for item in items)

    @property
    def connection_id(self) -> UUID:
        """Id of the connection of the batch's lane.

        Raises:
            ValueError: the lane is not of one connection.
        """
        return connection_of(self.lane)

    @property
    def cut_short(self) -> bool:
        """Whether jobs were skipped that could run at once."""
        return bool(self._skipped) and not self._pause

    def pause(self, seconds: float) -> None:
        """Pause the lane, e.g. while a channel's breaker is open. Counts no attempt."""
        self._pause = max(self._pause, seconds)

    def bisect(self, failure_count: int) -> None:
        """Halve the lane's next batch `failure_count` times, to isolate the failing job."""
        self._failure_count = failure_count

    def suspect(self, crash_count: int) -> None:
        """Set the lane's count of consecutive batches whose worker process died."""
        self._crash_count = crash_count

    def check_lease(self) -> None:
        """Check the lease before an effect outside the database, so that a worker that was suspended does not act late.

        Raises:
            LeaseLost: the lease has expired on this machine's clock.
        """
        if time.monotonic() >= self._deadline:
            raise LeaseLost(f"the lease on {self.lane} ran out before its effect")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Transaction before the batch is completed, e.g. to load the data of an outbound call."""
        async with self._database.transaction(self.scope) as session:
            yield session

    @asynccontextmanager
    async def commit(self) -> AsyncIterator[AsyncSession]:
        """Transaction of the batch's effects. Effects and completion of the jobs commit together, or not at all.

        Raises:
            LeaseLost: another worker has taken the lane; the transaction was rolled back.
        """
        try:
            async with self._database.transaction(self.scope) as session:
                yield session
                await self._commit(session)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == FENCED_SQLSTATE:
                raise LeaseLost(str(error.orig)) from error
            raise
        self.finished = True

    async def _commit(self, session: AsyncSession) -> None:
        keep = self._deferred.keys() | self._skipped
        deferred = self._deferred.values()
        done = [item.seq for item in self.items if item.seq not in keep]
        if self._dead:
            await session.execute(
                _DEAD_LETTER,
                {
                    "tenant_id": self.scope.tenant_id,
                    "lane": self.lane,
                    "seqs": list(self._dead),
                    "errors": [encode_text(error) for error in self._dead.values()],
                },
            )
        result = await session.execute(
            _FINISH,
            {
                "tenant_id": self.scope.tenant_id,
                "lane": self.lane,
                "fence": self.lease.fence,
                "done": done,
                "retry": list(self._deferred),
                "delays": [each.delay for each in deferred],
                "errors": [encode_text(each.error) for each in deferred],
                "counted": [each.counted for each in deferred],
                "is_retry": [each.is_retry for each in deferred],
                "failure_count": self._failure_count,
                "crash_count": self._crash_count,
                "pause": self._pause,
            },
        )
        self.more = bool(result.scalar())

    async def keep_renewing(self) -> None:
        """Renew the lease until cancelled. Tolerates a short outage, and an expired lease that no other worker has
        taken.

        Raises:
            LeaseLost: another worker holds the lane, or the database was unreachable for the duration of a lease.
        """
        calm = wait = self.lease.seconds / 3
        while True:
            await asyncio.sleep(wait)
            requested_at = time.monotonic()
            try:
                held = await answered(self._database, self._renew(), seconds=max(self._deadline - requested_at, calm))
            except Exception as error:
                if not is_outage(error):
                    raise
                if time.monotonic() >= self._deadline:
                    raise LeaseLost(f"the lease on {self.lane} could not be renewed: {error}") from error
                wait = _OUTAGE_SECONDS
                continue
            if not held:
                raise LeaseLost(f"the lane {self.lane} is held by someone else")
            self._deadline, wait = requested_at + self.lease.seconds, calm

    async def release_lease(self) -> None:
        """Release the lease after an outage, as soon as the database responds, so that the lane need not wait for its
        expiry.
        """
        while time.monotonic() < self._deadline:
            await asyncio.sleep(_OUTAGE_SECONDS)
            try:
                await answered(self._database, self._let_go(), seconds=self.lease.seconds)
            except Exception as error:
                if not is_outage(error):
                    raise
            else:
                return

    async def _let_go(self) -> None:
        async with self._database.transaction(self.scope) as session:
            await session.execute(
                text("""
                    UPDATE lane SET holder = NULL, lease_until = NULL
                     WHERE tenant_id = :tenant_id AND name = :lane AND fence = :fence AND holder IS NOT NULL
                """),
                {"tenant_id": self.scope.tenant_id, "lane": self.lane, "fence": self.lease.fence},
            )

    async def _renew(self) -> bool:
        async with self._database.transaction(self.scope) as session:
            held = await session.execute(
                text("""
                    UPDATE lane SET lease_until = clock_timestamp() + make_interval(secs => :lease)
                     WHERE tenant_id = :tenant_id AND name = :lane AND fence = :fence AND holder IS NOT NULL
                    RETURNING 1
                """),
                {
                    "lease": self.lease.seconds,
                    "tenant_id": self.scope.tenant_id,
                    "lane": self.lane,
                    "fence": self.lease.fence,
                },
            )
            return held.scalar() is not None


async def run_with_lease(batch: Batch[Any], working: Coroutine[Any, Any, None]) -> None:
    """Run `working` while renewing the batch's lease; cancel it when the lease is lost, as its commit would be refused.

    Raises:
        LeaseLost: the lease could not be renewed.
    """
    task, renewal = asyncio.ensure_future(working), asyncio.create_task(batch.keep_renewing())
    try:
        await asyncio.wait({task, renewal}, return_when=asyncio.FIRST_COMPLETED)
        # `keep_renewing` may report a lost lease while the batch is just committing.
        done, _ = await asyncio.wait({task}, timeout=_COMMIT_SECONDS)
        await (task if done else renewal)
    finally:
        for each in (task, renewal):
            if not each.done():
                each.cancel()  # cancelling takes a while on a dead link, so it is not awaited
            each.add_done_callback(_discard_outcome)


async def answered(database: Database, call: Coroutine[Any, Any, T], *, seconds: float) -> T:
    """Result of a short database call.

    Raises:
        DatabaseSilent: no response within `seconds`. The pool's other connections are probably dead too and are
            discarded.
    """
    task = asyncio.ensure_future(call)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if done:
            return task.result()
    finally:
        task.cancel()
        task.add_done_callback(_discard_outcome)
    await database.discard_connections()
    raise DatabaseSilent(f"the database gave no answer within {seconds:.1f} s")


def _discard_outcome(task: "asyncio.Future[Any]") -> None:
    if not task.cancelled():
        task.exception()


def is_outage(error: BaseException) -> bool:
    """Whether the error is a database outage, for which no attempt is counted.

    A deadlock or a timeout of the job is none: the job has failed, and its batch is bisected or retried at once.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.Error):
        if cause.sqlstate is None:  # raised by the driver, not by the server
            return isinstance(cause, psycopg.OperationalError)
        return cause.sqlstate.startswith(_OUTAGES)
    return isinstance(cause, OSError) and not isinstance(cause, TimeoutError)
