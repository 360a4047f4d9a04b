"""Relay: fires timers, and wakes every lane that has ready jobs and no lease.

Most lanes are woken at once by the process that enqueued the job. The relay covers the rest: expired delays, leases of
dead workers, hints lost with Valkey. It can read that jobs are due and for which tenant, never their content. Any
number of relays may run.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from uuid import UUID

import redis
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import Database, Hints
from foundation.jobs.batch import is_outage
from foundation.jobs.ready_queue import ReadyQueue
from foundation.telemetry.metrics import LaneMetrics

MEASURE_SECONDS = 5.0
_log = structlog.get_logger(__name__)


class Relay:
    def __init__(
        self, database: Database, ready_queue: ReadyQueue, *, metrics: LaneMetrics, interval: float = 0.5
    ) -> None:
        self._database = database
        self._ready_queue = ready_queue
        self._metrics = metrics
        self._interval = interval
        self._measure_at = 0.0

    async def run(self, stop: asyncio.Event, *, tick: Callable[[], None] = lambda: None) -> None:
        """Sweep until `stop`. `tick` is called after each pass, also after one that failed for an outage."""
        while not stop.is_set():
            wait = self._interval
            try:
                wait = await self.sweep()
            except redis.RedisError as error:
                _log.warning("relay.valkey_away", error=str(error))
            except Exception as error:
                if not is_outage(error):
                    raise
                _log.warning("relay.database_away", error=str(error))
            tick()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=wait)

    async def sweep(self) -> float:
        """One pass. Returns the seconds until the next one is useful, at most the interval."""
        async with self._database.transaction(None) as session:
            await session.execute(text("SELECT timers_fire()"))
        async with self._database.transaction(None) as session:
            await session.execute(text("SELECT repairs_fire()"))
        async with self._database.transaction(None) as session:
            due = (await session.execute(text("SELECT * FROM lanes_due()"))).all()
            shares = (
                await session.execute(
                    text("SELECT msp_id, tenant_id, pool, weight FROM lane_share WHERE pool <> 'shared' OR weight <> 1")
                )
            ).all()
            soonest = (
                await session.execute(
                    text("""
                        SELECT extract(epoch FROM least(
                            (SELECT min(ready_at) FROM job WHERE delayed AND ready_at > clock_timestamp()),
                            (SELECT min(due_at) FROM timer)) - clock_timestamp())::float8
                    """)
                )
            ).scalar()
            ages = await self._backlog(session)
        await self._ready_queue.set_shares((s.msp_id, s.tenant_id, s.pool, s.weight) for s in shares)
        hints: Hints = {}
        for row in due:
            hints.setdefault((row.msp_id, row.tenant_id), set()).add(row.name)
        await self._ready_queue.wake(hints)
        self._metrics.woken(sum(map(len, hints.values())))
        if ages is not None:
            self._metrics.backlog(ages)
        return self._interval if soonest is None else max(0.01, min(self._interval, soonest))

    async def _backlog(self, session: AsyncSession) -> dict[UUID, float] | None:
        """Age of each tenant's oldest ready job, in seconds, measured every MEASURE_SECONDS; None in between."""
        if time.monotonic() < self._measure_at:
            return None
        self._measure_at = time.monotonic() + MEASURE_SECONDS
        rows = await session.execute(
            text("SELECT tenant_id, extract(epoch FROM clock_timestamp() - oldest)::float8 FROM lane_backlog()")
        )
        return {tenant_id: max(0.0, seconds) for tenant_id, seconds in rows.all()}
