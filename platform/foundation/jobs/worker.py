"""Lane worker: claims a batch under a lease, runs its handler, and wakes the lane again if more jobs are ready."""

import asyncio
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, LiteralString
from uuid import UUID

import msgspec
import structlog
from msgspec.structs import replace

from foundation.database.engine import Database
from foundation.i18n.messages import reason_of, text_of
from foundation.jobs import messages
from foundation.jobs.batch import Batch, ClaimedJob, Lease, LeaseLost, answered, is_outage, run_with_lease
from foundation.jobs.isolation import ALONE, SUSPECT_AFTER, BatchResult, IsolatedRunner, LeasedBatch
from foundation.jobs.ready_queue import ReadyQueue
from foundation.jobs.registry import JobHandler, JobRegistry
from foundation.jobs.types import JobType
from foundation.scope import Actor, Scope
from foundation.telemetry.correlation import correlated
from foundation.telemetry.metrics import LaneMetrics
from foundation.telemetry.tracing import NO_TRACING, Tracing

_log = structlog.get_logger(__name__)
ISOLATION_SECONDS = 20.0
"""Seconds for starting and ending a subprocess, added to the job type's time limit."""
PROMPT_BATCH = 32
"""Jobs of a prompt batch. A lane with more is bulk until it is empty."""
CLAIM_AGAIN_SECONDS = 0.2
_CLAIM: LiteralString = "SELECT * FROM lane_claim(%s, %s, %s, %s, %s, %s, %s)"


class ClaimStatus(StrEnum):
    """Answer of `lane_claim`."""

    CLAIMED = "claimed"
    EMPTY = "empty"
    BUSY = "busy"
    """Another worker has the lease."""
    PAUSED = "paused"
    CAPPED = "capped"
    """The tenant has as many lanes running as its share allows."""
    MOVED = "moved"
    """The tenant is served by another pool."""


@dataclass(slots=True)
class _Interruption:
    """Reason why a batch was interrupted."""

    away: bool = False  # database outage
    lost: bool = False  # lease lost


class LaneWorker:
    """Worker of one pool. Stateless except for its name; any number may share a pool."""

    def __init__(  # noqa: PLR0913 - injected dependencies
        self,
        database: Database,
        ready_queue: ReadyQueue,
        jobs: JobRegistry,
        *,
        pool: str,
        metrics: LaneMetrics,
        lease: float = 6.0,
        jitter: Callable[[], float] = random.random,
        tracing: Tracing = NO_TRACING,
        run_isolated: IsolatedRunner | None = None,
    ) -> None:
        """With `run_isolated=None` suspect batches run in this process too, and are never dead-lettered for a crash."""
        self._run_isolated = run_isolated
        self._one_isolated = asyncio.Semaphore(1)
        self._database = database
        self._ready_queue = ready_queue
        self._jobs = jobs
        self._pool = pool
        self._metrics = metrics
        self._lease = lease
        self._jitter = jitter
        self._tracing = tracing
        self._name = f"{socket.gethostname()}:{os.getpid()}"

    async def run_lane(self, msp_id: UUID, tenant_id: UUID, lane: str, *, bulk: bool = False) -> None:
        """Claim and run one batch. Never raises for a job's failure; after a database outage the lease expires."""
        scope = Scope(msp_id=msp_id, tenant_id=tenant_id, actor=Actor.system("worker"))
        batch = None
        with self._log_interruption(tenant_id, lane) as interruption:
            batch = await answered(self._database, self._claim(scope, lane, bulk=bulk), seconds=self._lease)
        if interruption.away:
            await asyncio.sleep(CLAIM_AGAIN_SECONDS)
        if batch is None:
            return
        claimed = len(batch.items)
        with self._log_interruption(tenant_id, lane) as interruption:
            await self._work(batch)
        if interruption.lost:
            return
        if interruption.away:
            await batch.release_lease()
            batch.more = True
        await self._wake_again(batch, claimed)

    @contextmanager
    def _log_interruption(self, tenant_id: UUID, lane: str) -> Iterator[_Interruption]:
        """Log lost leases and database outages, which are not the jobs' fault, and report them to the caller instead of
        raising.
        """
        interruption = _Interruption()
        try:
            yield interruption
        except LeaseLost:
            interruption.lost = True
            self._metrics.fenced(tenant_id)
            _log.warning("lane.lease_lost", lane=lane, tenant_id=str(tenant_id))
        except Exception as error:
            if not is_outage(error):
                raise
            interruption.away = True
            _log.warning("lane.database_away", lane=lane, error=str(error))

    async def _claim(self, scope: Scope, lane: str, *, bulk: bool) -> Batch[Any] | None:
        most = self._jobs.largest_batch if bulk else PROMPT_BATCH
        lease = timedelta(seconds=self._lease)
        claim = scope.msp_id, scope.tenant_id, lane, self._pool, self._name, lease, most
        requested_at = time.monotonic()
        row = await self._database.call(_CLAIM, claim)
        if row.status == ClaimStatus.MOVED:
            _log.info("lane.moved", lane=lane, pool=row.pool)
            return None
        if row.status == ClaimStatus.CAPPED:
            await self._ready_queue.record_capped(scope.msp_id, scope.tenant_id, lane)
            return None
        if row.status != ClaimStatus.CLAIMED:
            return None
        items = [
            ClaimedJob(*fields)
            for fields in zip(
                row.seqs, row.kinds, row.keys, row.refs, row.payloads, row.attempts, row.enqueued, row.correlations,
                row.is_retry, strict=True,
            )
        ]  # fmt: skip
        held = Lease(lane, row.fence, self._lease, row.crash_count)
        return Batch(self._database, scope, held, items, bulk=bulk, requested_at=requested_at)

    async def run_batch(self, leased: LeasedBatch) -> bool:
        """Run a batch that another process claimed. False when it was interrupted."""
        batch = Batch(self._database, leased.scope, leased.lease, leased.items)
        with self._log_interruption(batch.scope.tenant_id, batch.lane) as interruption:
            await run_with_lease(batch, self._handle(batch, self._jobs[batch.items[0].kind]))
        return not (interruption.lost or interruption.away)

    async def _work(self, batch: Batch[Any]) -> None:
        claimed, head = batch.items, batch.items[0]
        if head.kind not in self._jobs:
            batch.skip(claimed[1:])
            batch.dead_letter(head, error=messages.NO_HANDLER.write(kind=head.kind))
            async with batch.commit():
                pass
            return
        handler = self._jobs[head.kind]
        job_type = handler.job_type
        size = next((n for n, item in enumerate(claimed) if item.kind != head.kind), len(claimed))
        size = min(size, job_type.batch)
        batch.items = claimed[:size]
        started = time.perf_counter()
        with correlated(head.correlation), self._tracing.span("lane", kind=job_type.name, items=size):
            suspect = batch.lease.crash_count >= SUSPECT_AFTER
            handling = (
                self._handle_isolated(batch, job_type, do)
                if suspect and (do := self._run_isolated)
                else self._handle(batch, handler)
            )
            await run_with_lease(batch, handling)
        self._metrics.ran(batch.scope.tenant_id, job_type.name, len(batch.items), time.perf_counter() - started)

    async def _handle(self, batch: Batch[Any], handler: JobHandler[Any]) -> None:
        job_type = handler.job_type
        if await self._dead_letter_unreadable(batch, job_type):
            return
        try:
            async with asyncio.timeout(job_type.seconds):
                await handler.handle(batch)
        except LeaseLost:
            raise
        except Exception as error:
            if is_outage(error):
                raise
            _log.exception("lane.job_failed", kind=job_type.name, lane=batch.lane, items=len(batch.items))
            await self._after_failure(batch, job_type, error)
            return
        if not batch.finished:
            async with batch.commit():
                pass

    async def _dead_letter_unreadable(self, batch: Batch[Any], job_type: JobType[Any]) -> bool:
        """Decode the payloads. Jobs whose payload is not of the type become dead letters with it as it is stored; then
        the others stay in the lane, in order.
        """
        readable, unreadable = [], 0
        for item in batch.items:
            try:
                readable.append(replace(item, payload=job_type.decode(item.payload)))
            except msgspec.ValidationError as error:
                unreadable += 1
                batch.dead_letter(item, error=messages.PAYLOAD_INVALID.write(kind=job_type.name, error=text_of(error)))
                self._metrics.dead_lettered(batch.scope.tenant_id, job_type.name)
        if unreadable:
            batch.skip(readable)
            async with batch.commit():
                return True
        batch.items = readable
        return False

    async def _handle_isolated(self, batch: Batch[Any], job_type: JobType[Any], run_isolated: IsolatedRunner) -> None:
        async with self._one_isolated:  # after a worker's death many lanes may be suspect: one subprocess at a time
            leased = LeasedBatch(batch.scope, batch.lease, batch.items)
            ending = await run_isolated(leased, job_type.seconds + ISOLATION_SECONDS)
        if ending.result is BatchResult.DIED:
            _log.warning("lane.died_apart", lane=batch.lane, items=len(batch.items), how=ending.how)
            await self._after_crash(batch, job_type, ending.how)
        elif ending.result is BatchResult.UNFINISHED:
            raise LeaseLost(f"the turn of {batch.lane} in a process of its own came to no end")
        else:
            batch.more = True  # unknown outside the subprocess; the next claim checks

    async def _after_crash(self, batch: Batch[Any], job_type: JobType[Any], how: str) -> None:
        """Bisect a batch; retry a job that ran alone once more, and dead-letter it when that crashes too."""
        again = Batch(self._database, batch.scope, batch.lease, batch.items)
        crash_count = batch.lease.crash_count
        if len(batch.items) > 1:
            again.skip(batch.items)
            again.suspect(min(crash_count + 1, ALONE))
        elif crash_count <= ALONE:
            again.skip(batch.items)
            again.suspect(ALONE + 1)
        else:
            again.dead_letter(batch.items[0], error=messages.PROCESS_ENDED.write(how=how))
            again.suspect(0)
            self._metrics.dead_lettered(batch.scope.tenant_id, job_type.name)
        async with again.commit():
            pass
        batch.more = again.more

    async def _after_failure(self, batch: Batch[Any], job_type: JobType[Any], error: Exception) -> None:
        again = Batch(self._database, batch.scope, batch.lease, batch.items)
        if len(batch.items) > 1:
            again.skip(batch.items)
            again.bisect(max(1, self._jobs.largest_batch.bit_length() - len(batch.items).bit_length() + 3))
        else:
            item = batch.items[0]
            if item.attempts + 1 >= job_type.retry.attempts:
                again.dead_letter(item, error=reason_of(error))
                self._metrics.dead_lettered(batch.scope.tenant_id, job_type.name)
            else:
                delay = job_type.retry.delay(item.attempts, 1.0 - self._jitter())
                again.retry(item, delay=delay, error=reason_of(error))
        async with again.commit():
            pass
        batch.more = again.more

    async def _wake_again(self, batch: Batch[Any], claimed: int) -> None:
        owner = batch.scope.msp_id, batch.scope.tenant_id
        if claimed > PROMPT_BATCH or (batch.more and (claimed == PROMPT_BATCH or batch.cut_short)):
            await self._ready_queue.mark_bulk(*owner, batch.lane)
        await self._ready_queue.hint({owner: {batch.lane} if batch.more else set()})
