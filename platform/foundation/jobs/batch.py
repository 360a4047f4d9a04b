"""One turn of one lane: the items a worker holds a lease on, and the transaction that finishes them."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import Database
from foundation.scope import Scope
from foundation.text import clean_error_text

FENCED_SQLSTATE = "FL001"
_OUTAGE_SECONDS = 0.25
_COMMIT_SECONDS = 1.0
T = TypeVar("T")
_OUTAGES = ("08", "53", "57P", "58", "25P03")
"""Connection lost, out of resources, shut down, system error; 25P03: we were stopped inside a transaction."""


class ClaimedJob(msgspec.Struct, frozen=True):
    seq: int
    kind: str
    key: str
    ref: UUID | None
    body: dict[str, Any] | None
    attempts: int
    enqueued_at: datetime
    correlation: str
    is_retry: bool = False
    """Another system was asked for it before, and it brought nothing: to ask again is a retry."""


class _Deferred(NamedTuple):
    delay: float
    error: str | None
    counted: bool
    is_retry: bool


class Lease(msgspec.Struct, frozen=True):
    lane: str
    fence: int
    seconds: float
    crash_count: int = 0
    """Turns before this one that ended with their process."""


class LeaseLost(Exception):
    """Someone else holds the lane now. Whatever this run did in its last transaction was undone."""


class DatabaseSilent(psycopg.OperationalError):
    """It is there and says nothing: told by us, so it is an outage like any other."""


_FINISH = text("""
    SELECT lane_finish(:tenant_id, :lane, :fence, CAST(:done AS bigint[]), CAST(:retry AS bigint[]),
        CAST(:delays AS double precision[]), CAST(:errors AS varchar[]), CAST(:failure_count AS smallint), :pause,
        CAST(:crash_count AS smallint), CAST(:counted AS boolean[]), CAST(:again AS boolean[]))
""")
_BURY = text("""
    INSERT INTO dead_letter (tenant_id, msp_id, id, lane, kind, key, ref, body, attempts, error, enqueued_at, died_at,
                             correlation)
    SELECT tenant_id, msp_id, gen_random_uuid(), lane, kind, key, ref, body, attempts + 1, d.error, enqueued_at,
           clock_timestamp(), correlation
      FROM work JOIN unnest(CAST(:seqs AS bigint[]), CAST(:errors AS varchar[])) AS d (seq, error) USING (seq)
     WHERE tenant_id = :tenant_id AND lane = :lane
""")


class Batch:
    """`items` are of one kind, in order. What a handler does not retry or bury is done when `commit` commits."""

    def __init__(  # noqa: PLR0913 - what a turn is given
        self,
        database: Database,
        scope: Scope,
        lease: Lease,
        items: Sequence[ClaimedJob],
        *,
        bulk: bool = False,
        asked_at: float | None = None,
    ) -> None:
        """A turn that is not `bulk` should be short: others' stand behind it.

        The lease runs from `asked_at` on the monotonic clock, from before its answer was on its way.
        """
        self.bulk = bulk
        self.scope = scope
        self.lease = lease
        self.lane = lease.lane
        self.items = items
        self.more = False
        self.finished = False
        self._database = database
        self._deadline = (time.monotonic() if asked_at is None else asked_at) + lease.seconds
        self._deferred: dict[int, _Deferred] = {}
        self._dead: dict[int, str] = {}
        self._skipped: set[int] = set()
        self._pause = 0.0
        self._failure_count = 0
        self._crash_count = max(lease.crash_count - 1, 0)

    def retry(self, item: ClaimedJob, *, delay: float, error: str, is_retry: bool = False) -> None:
        """Do it again after `delay` seconds; later items of the same key wait for it.

        `is_retry`: another system was asked for it, so that to ask again is a retry.
        """
        self._deferred[item.seq] = _Deferred(
            delay, clean_error_text(error, longest=2000), counted=True, is_retry=is_retry
        )

    def defer(self, item: ClaimedJob, *, delay: float, is_retry: bool, error: str | None = None) -> None:
        """Reschedules without counting an attempt; `error=None` keeps the last error."""
        self._deferred[item.seq] = _Deferred(
            delay, error and clean_error_text(error, longest=2000), counted=False, is_retry=is_retry
        )

    def dead_letter(self, item: ClaimedJob, *, error: str) -> None:
        """Give it up, visibly: it becomes a dead letter that a person replays or discards."""
        self._dead[item.seq] = clean_error_text(error, longest=2000)

    def skip(self, items: Sequence[ClaimedJob]) -> None:
        """Not touched in this turn: they stay where they are, in order, and count no attempt."""
        self._skipped.update(item.seq for item in items)

    @property
    def cut_short(self) -> bool:
        """More could be done at once than this turn did."""
        return bool(self._skipped) and not self._pause

    def pause(self, seconds: float) -> None:
        """Let the whole lane rest, e.g. while a channel's breaker is open. Counts no attempt."""
        self._pause = max(self._pause, seconds)

    def bisect(self, failure_count: int) -> None:
        """Halve the next turn's batch `failure_count` times, to find the item that breaks it."""
        self._failure_count = failure_count

    def suspect(self, crash_count: int) -> None:
        """What the next turn is told of those that ended with their process."""
        self._crash_count = crash_count

    def check_lease(self) -> None:
        """Call before an effect outside the database, so that a worker that was stopped does not act late.

        Raises:
            LeaseLost: the lease has run out on this machine's clock.
        """
        if time.monotonic() >= self._deadline:
            raise LeaseLost(f"the lease on {self.lane} ran out before its effect")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A transaction before the work is finished, e.g. to load what an outbound call needs."""
        async with self._database.transaction(self.scope) as session:
            yield session

    @asynccontextmanager
    async def commit(self) -> AsyncIterator[AsyncSession]:
        """The transaction of the effects. It commits together with the items' completion, or not at all.

        Raises:
            LeaseLost: the lane was taken over; nothing of this transaction happened.
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
        held = self._deferred.values()
        done = [item.seq for item in self.items if item.seq not in keep]
        if self._dead:
            await session.execute(
                _BURY,
                {
                    "tenant_id": self.scope.tenant_id,
                    "lane": self.lane,
                    "seqs": list(self._dead),
                    "errors": list(self._dead.values()),
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
                "delays": [each.delay for each in held],
                "errors": [each.error for each in held],
                "counted": [each.counted for each in held],
                "again": [each.is_retry for each in held],
                "failure_count": self._failure_count,
                "crash_count": self._crash_count,
                "pause": self._pause,
            },
        )
        self.more = bool(result.scalar())

    async def keep_lease(self) -> None:
        """Renew the lease until cancelled; a short outage is outlasted, and a lease that ran out but nobody took too.

        Raises:
            LeaseLost: someone else holds the lane, or the database could not be asked for a whole lease.
        """
        calm = wait = self.lease.seconds / 3
        while True:
            await asyncio.sleep(wait)
            asked_at = time.monotonic()
            try:
                held = await answered(self._database, self._renew(), seconds=max(self._deadline - asked_at, calm))
            except Exception as error:
                if not is_outage(error):
                    raise
                if time.monotonic() >= self._deadline:
                    raise LeaseLost(f"the lease on {self.lane} could not be renewed: {error}") from error
                wait = _OUTAGE_SECONDS
                continue
            if not held:
                raise LeaseLost(f"the lane {self.lane} is held by someone else")
            self._deadline, wait = asked_at + self.lease.seconds, calm

    async def give_back(self) -> None:
        """After an outage that ended the turn, as soon as the database answers: nobody died, so nobody need wait."""
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


async def keeping_lease(batch: Batch, working: Coroutine[Any, Any, None]) -> None:
    """Do the turn's work while its lease is renewed; left alone when that proves impossible, for it would not count.

    Raises:
        LeaseLost: for that.
    """
    task, keeper = asyncio.ensure_future(working), asyncio.create_task(batch.keep_lease())
    try:
        await asyncio.wait({task, keeper}, return_when=asyncio.FIRST_COMPLETED)
        # A turn that is just committing looks lost to its keeper.
        done, _ = await asyncio.wait({task}, timeout=_COMMIT_SECONDS)
        await (task if done else keeper)
    finally:
        for each in (task, keeper):
            if not each.done():
                each.cancel()  # which itself takes a while on a dead link; nobody waits for it
            each.add_done_callback(_forget_outcome)


async def answered(database: Database, asking: Coroutine[Any, Any, T], *, seconds: float) -> T:
    """What a short question to the database brings.

    Raises:
        DatabaseSilent: nothing within `seconds`. Its other connections are probably as dead, and are not used again.
    """
    task = asyncio.ensure_future(asking)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if done:
            return task.result()
    finally:
        task.cancel()
        task.add_done_callback(_forget_outcome)
    await database.forget_connections()
    raise DatabaseSilent(f"the database gave no answer within {seconds:.1f} s")


def _forget_outcome(task: "asyncio.Future[Any]") -> None:
    if not task.cancelled():
        task.exception()


def is_outage(error: BaseException) -> bool:
    """True when the database itself is away, so that no attempt should be counted.

    A deadlock or a job that took too long is not: the job has failed, and is narrowed or tried again at once.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.Error):
        if cause.sqlstate is None:  # told by the driver, not by the server
            return isinstance(cause, psycopg.OperationalError)
        return cause.sqlstate.startswith(_OUTAGES)
    return isinstance(cause, OSError) and not isinstance(cause, TimeoutError)
