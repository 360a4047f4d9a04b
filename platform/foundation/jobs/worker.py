"""Takes a lane's turn: claims a batch under a lease, hands it to its handler, and rings again if more is ready."""

import asyncio
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

import structlog

from foundation.database.engine import Database
from foundation.jobs.batch import LaneRun, Lease, LeaseLost, WorkItem, answered, is_outage, keeping_lease
from foundation.jobs.isolation import ALONE, SUSPECT_AFTER, DoApart, Outcome, Turn
from foundation.jobs.ready_queue import Ring
from foundation.jobs.types import JobKind, JobKinds
from foundation.scope import Actor, Scope
from foundation.telemetry.correlation import correlated
from foundation.telemetry.metrics import LaneMetrics
from foundation.telemetry.tracing import NO_TRACING, Tracing

_log = structlog.get_logger(__name__)
APART_SECONDS = 20.0
"""For the start of a process and its end, beside what its kind of work may take."""
PROMPT_BATCH = 32
"""Items of a prompt turn. A lane with more is bulk until it is empty."""
CLAIM_AGAIN_SECONDS = 0.2
_CLAIM: LiteralString = "SELECT * FROM lane_claim(%s, %s, %s, %s, %s, %s, %s)"


@dataclass(slots=True)
class _Met:
    """How a turn ended that could not come to its own end."""

    away: bool = False  # the database
    lost: bool = False  # the lease


class LaneWorker:
    """Stateless but for its name; any number of them share a pool."""

    def __init__(  # noqa: PLR0913 - the parts it is composed of
        self,
        database: Database,
        ring: Ring,
        kinds: JobKinds,
        *,
        pool: str,
        metrics: LaneMetrics,
        lease: float = 6.0,
        draw: Callable[[], float] = random.random,
        tracing: Tracing = NO_TRACING,
        do_apart: DoApart | None = None,
    ) -> None:
        """`do_apart` None does suspect turns here too, and gives nothing up for them."""
        self._do_apart = do_apart
        self._one_apart = asyncio.Semaphore(1)
        self._database = database
        self._ring = ring
        self._kinds = kinds
        self._pool = pool
        self._metrics = metrics
        self._lease = lease
        self._draw = draw
        self._tracing = tracing
        self._name = f"{socket.gethostname()}:{os.getpid()}"

    async def run_lane(self, msp_id: UUID, tenant_id: UUID, lane: str, *, bulk: bool = False) -> None:
        """One turn. Never raises for what the work does; a database outage ends the turn and the lease runs out."""
        scope = Scope(msp_id=msp_id, tenant_id=tenant_id, actor=Actor.system("worker"))
        run = None
        with self._sitting_out(tenant_id, lane) as met:
            run = await answered(self._database, self._claim(scope, lane, bulk=bulk), seconds=self._lease)
        if met.away:
            await asyncio.sleep(CLAIM_AGAIN_SECONDS)
        if run is None:
            return
        claimed = len(run.items)
        with self._sitting_out(tenant_id, lane) as met:
            await self._work(run)
        if met.lost:
            return
        if met.away:
            await run.give_back()
            run.more = True
        await self._ring_again(run, claimed)

    @contextmanager
    def _sitting_out(self, tenant_id: UUID, lane: str) -> Iterator[_Met]:
        """What ends a turn and is no fault of its work: it is told here, and what follows is the caller's."""
        met = _Met()
        try:
            yield met
        except LeaseLost:
            met.lost = True
            self._metrics.fenced(tenant_id)
            _log.warning("lane.lease_lost", lane=lane, tenant_id=str(tenant_id))
        except Exception as error:
            if not is_outage(error):
                raise
            met.away = True
            _log.warning("lane.database_away", lane=lane, error=str(error))

    async def _claim(self, scope: Scope, lane: str, *, bulk: bool) -> LaneRun | None:
        most = self._kinds.largest_batch if bulk else PROMPT_BATCH
        lease = timedelta(seconds=self._lease)
        claim = scope.msp_id, scope.tenant_id, lane, self._pool, self._name, lease, most
        asked_at = time.monotonic()
        row = await self._database.call(_CLAIM, claim)
        if row.status == "moved":
            _log.info("lane.moved", lane=lane, pool=row.pool)
            return None
        if row.status == "capped":
            await self._ring.remember_capped(scope.msp_id, scope.tenant_id, lane)
            return None
        if row.status != "claimed":
            return None
        items = [
            WorkItem(*fields)
            for fields in zip(
                row.seqs, row.kinds, row.keys, row.refs, row.bodies, row.attempts, row.enqueued, row.correlations,
                row.again, strict=True,
            )
        ]  # fmt: skip
        held = Lease(lane, row.fence, self._lease, row.deaths)
        return LaneRun(self._database, scope, held, items, bulk=bulk, asked_at=asked_at)

    async def do_turn(self, turn: Turn) -> bool:
        """A turn that another process claimed. False when it did not come to its end."""
        run = LaneRun(self._database, turn.scope, turn.lease, turn.items)
        with self._sitting_out(run.scope.tenant_id, run.lane) as met:
            await keeping_lease(run, self._handle(run, self._kinds[run.items[0].kind]))
        return not (met.lost or met.away)

    async def _work(self, run: LaneRun) -> None:
        claimed, head = run.items, run.items[0]
        if head.kind not in self._kinds:
            run.leave(claimed[1:])
            run.bury(head, error=f"No handler for work of kind {head.kind}")
            async with run.finishing():
                pass
            return
        kind = self._kinds[head.kind]
        size = next((n for n, item in enumerate(claimed) if item.kind != head.kind), len(claimed))
        size = min(size, kind.batch)
        run.items = claimed[:size]
        started = time.perf_counter()
        with correlated(head.correlation), self._tracing.span("lane", kind=kind.name, items=size):
            suspect = run.lease.deaths >= SUSPECT_AFTER
            handling = (
                self._handle_apart(run, kind, do) if suspect and (do := self._do_apart) else self._handle(run, kind)
            )
            await keeping_lease(run, handling)
        self._metrics.ran(run.scope.tenant_id, kind.name, len(run.items), time.perf_counter() - started)

    async def _handle(self, run: LaneRun, kind: JobKind) -> None:
        try:
            async with asyncio.timeout(kind.seconds):
                await kind.handler(run)
        except LeaseLost:
            raise
        except Exception as error:
            if is_outage(error):
                raise
            _log.exception("lane.job_failed", kind=kind.name, lane=run.lane, items=len(run.items))
            await self._after_failure(run, kind, error)
            return
        if not run.finished:
            async with run.finishing():
                pass

    async def _handle_apart(self, run: LaneRun, kind: JobKind, do_apart: DoApart) -> None:
        async with self._one_apart:  # many lanes may be suspect at once, after a worker died: no crowd of processes
            turn = Turn(run.scope, run.lease, run.items)
            ending = await do_apart(turn, kind.seconds + APART_SECONDS)
        if ending.outcome is Outcome.DIED:
            _log.warning("lane.died_apart", lane=run.lane, items=len(run.items), how=ending.how)
            await self._after_death(run, kind, ending.how)
        elif ending.outcome is Outcome.UNFINISHED:
            raise LeaseLost(f"the turn of {run.lane} in a process of its own came to no end")
        else:
            run.more = True  # only the other process knows; the next claim tells

    async def _after_death(self, run: LaneRun, kind: JobKind, how: str) -> None:
        """A batch is narrowed; an item that was alone is tried once more, and given up when that ends alike."""
        again = LaneRun(self._database, run.scope, run.lease, run.items)
        deaths = run.lease.deaths
        if len(run.items) > 1:
            again.leave(run.items)
            again.suspect(min(deaths + 1, ALONE))
        elif deaths <= ALONE:
            again.leave(run.items)
            again.suspect(ALONE + 1)
        else:
            error = (
                f"It ended the process that worked on it ({how}), also when it was alone in one. Nothing else did it."
            )
            again.bury(run.items[0], error=error)
            again.suspect(0)
            self._metrics.buried(run.scope.tenant_id, kind.name)
        async with again.finishing():
            pass
        run.more = again.more

    async def _after_failure(self, run: LaneRun, kind: JobKind, error: Exception) -> None:
        again = LaneRun(self._database, run.scope, run.lease, run.items)
        if len(run.items) > 1:
            again.leave(run.items)
            again.narrow(max(1, self._kinds.largest_batch.bit_length() - len(run.items).bit_length() + 3))
        else:
            item = run.items[0]
            if item.attempts + 1 >= kind.retry.attempts:
                again.bury(item, error=_sentence(error))
                self._metrics.buried(run.scope.tenant_id, kind.name)
            else:
                delay = kind.retry.delay(item.attempts, 1.0 - self._draw())
                again.retry(item, delay=delay, error=_sentence(error))
        async with again.finishing():
            pass
        run.more = again.more

    async def _ring_again(self, run: LaneRun, claimed: int) -> None:
        owner = run.scope.msp_id, run.scope.tenant_id
        if claimed > PROMPT_BATCH or (run.more and (claimed == PROMPT_BATCH or run.cut_short)):
            await self._ring.mark_bulk(*owner, run.lane)
        await self._ring.hint({owner: {run.lane} if run.more else set()})


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
