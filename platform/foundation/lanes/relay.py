"""The relay: fires timers, and rings every lane that has ready work nobody holds.

Most work is rung by whoever left it, at once. The relay mends the rest: delays that ran out, leases whose worker died,
hints lost with Valkey. It sees that work is due and for whom, never what it is about. Any number may run.
"""

import asyncio
import contextlib

import redis
import structlog
from sqlalchemy import text

from foundation.database.engine import Database, Hints
from foundation.lanes.ring import Ring
from foundation.lanes.run import is_outage
from foundation.telemetry.metrics import LaneMetrics

_log = structlog.get_logger(__name__)


class Relay:
    def __init__(self, database: Database, ring: Ring, *, metrics: LaneMetrics, interval: float = 0.5) -> None:
        self._database = database
        self._ring = ring
        self._metrics = metrics
        self._interval = interval

    async def run(self, stop: asyncio.Event) -> None:
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
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=wait)

    async def sweep(self) -> float:
        """One pass. Returns the seconds until the next one is worth while, at most the interval."""
        async with self._database.transaction(None) as session:
            await session.execute(text("SELECT timers_fire()"))
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
                            (SELECT min(ready_at) FROM work WHERE held AND ready_at > clock_timestamp()),
                            (SELECT min(due_at) FROM timer)) - clock_timestamp())::float8
                    """)
                )
            ).scalar()
        await self._ring.set_shares((s.msp_id, s.tenant_id, s.pool, s.weight) for s in shares)
        hints: Hints = {}
        for row in due:
            hints.setdefault((row.msp_id, row.tenant_id), set()).add(row.name)
        await self._ring.ring(hints)
        self._metrics.rung(sum(map(len, hints.values())))
        return self._interval if soonest is None else max(0.01, min(self._interval, soonest))
