"""Carries a plan of faults out, and mends what a real installation's supervisor would mend."""

import asyncio
import os
import signal
from contextlib import suppress

from controlplane.embedded.server import EmbeddedServer
from foundation.clock import utc_now
from tests.drills.history import Injected
from tests.drills.plan import FaultPlan, Target
from tests.drills.site import Site, until


class Inflictor:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._servers: dict[Target, EmbeddedServer] = {
            Target.VALKEY: site.servers.valkey,
            Target.POSTGRES: site.servers.postgres,
        }
        self._mending = {target: asyncio.Lock() for target in self._servers}
        self.done: list[Injected] = []

    async def carry_out(self, plan: FaultPlan) -> None:
        """Returns when everything that was stopped is resumed and every server runs again."""
        async with asyncio.TaskGroup() as mending:
            for fault in plan.faults:
                await asyncio.sleep(fault.wait)
                await self._ensure_target(fault.target)
                self.done.append(Injected(fault.name, utc_now()))
                if fault.stop:
                    mending.create_task(self.stop(fault.target, fault.seconds))
                elif fault.target in self._servers:
                    mending.create_task(self.kill_server(fault.target, fault.seconds))
                else:
                    self._site.supervisor.kill(fault.target)

    async def stop(self, target: Target, seconds: float) -> None:
        """SIGSTOP, then SIGCONT to the same process unless it was killed meanwhile."""
        pid = self._site.pid(target)
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    async def kill_server(self, target: Target, down_seconds: float) -> None:
        server = self._servers[target]
        async with self._mending[target]:
            if target is Target.VALKEY:
                await asyncio.to_thread(self._site.servers.valkey.lose_data)
            else:
                await asyncio.to_thread(server.kill)
            await asyncio.sleep(down_seconds)
            await asyncio.to_thread(server.start)

    async def _ensure_target(self, target: Target) -> None:
        """A kill needs something to kill: wait for the restart that the last fault made necessary."""

        async def there() -> bool:
            if target in self._servers:
                return await asyncio.to_thread(self._servers[target].answers)
            return self._site.supervisor.pid(target) is not None

        await until(there, seconds=60)
