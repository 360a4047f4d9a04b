"""Execution of a plan of faults, with the repairs that a real installation's supervisor would make."""

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import psycopg

from controlplane.embedded.errors import EmbeddedServerFailed
from controlplane.embedded.server import EmbeddedServer
from controlplane.processes import WORK_PATIENCE_SECONDS
from foundation.clock import utc_now
from foundation.outbound.settings import OutboundSettings
from foundation.valkey import valkey_client
from tests.drills.history import Injected
from tests.drills.plan import LINKS, Act, Fault, FaultPlan, Target
from tests.drills.web_app import DrillWebApp, until
from tests.support.faulty_link import WELL, Trouble

LINK_TROUBLES = {
    Act.SLOW: Trouble(latency_seconds=0.4),
    Act.RESET: Trouble(reset=True),
    Act.BLACKHOLE: Trouble(blackhole=True),
    Act.HALF_CLOSE: Trouble(half_close=True),
    Act.THROTTLE: Trouble(bytes_per_second=8000),
    Act.HALF_OPEN: Trouble(half_open=True),
    Act.CUT: Trouble(cut_after=700),  # within the head of a request or response
}
ANSWER_SECONDS = {Target.TO_CHANNELS: OutboundSettings().read_seconds, Target.TO_POSTGRES: WORK_PATIENCE_SECONDS}
STORM_PAUSE_SECONDS = 0.25
_TERMINATE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name LIKE 'fairlead%' AND pid <> pg_backend_pid()
"""


class FaultInjector:
    def __init__(self, web_app: DrillWebApp) -> None:
        self._site = web_app
        self._servers: dict[Target, EmbeddedServer] = {
            Target.VALKEY: web_app.servers.valkey,
            Target.POSTGRES: web_app.servers.postgres,
        }
        self._mending = {target: asyncio.Lock() for target in Target}
        self.done: list[Injected] = []

    async def carry_out(self, plan: FaultPlan) -> None:
        """Return when everything that was stopped is resumed and every server runs again."""
        async with asyncio.TaskGroup() as mending:
            for fault in plan.faults:
                await asyncio.sleep(fault.wait)
                await self._ensure_target(fault.target)
                mending.create_task(self.inject(fault))

    async def inject(self, fault: Fault) -> Injected:
        """Inject one fault; returns when it has ended. Faults of one target are serialized."""
        if fault.act is Act.STOP or (fault.act is Act.KILL and fault.target not in self._servers):
            injected = self._begin(fault)
            if fault.act is Act.STOP:
                await self.stop(fault.target, fault.seconds)
            else:
                self._site.supervisor.kill(fault.target)
            return injected
        async with self._mending[fault.target]:
            injected = self._begin(fault)
            if fault.target in LINKS:
                await self._trouble_link(fault)
            else:
                await self._trouble_server(fault)
        if fault.act is not Act.KILL:
            injected.lasted = utc_now() - injected.at
        if fault.act is Act.HALF_OPEN:
            # The longest time of a response; a missing one cannot be detected sooner.
            injected.lasted += timedelta(seconds=ANSWER_SECONDS.get(fault.target, 0.0))
        return injected

    def _begin(self, fault: Fault) -> Injected:
        self.done.append(Injected(fault.name, utc_now(), target=fault.target, act=fault.act))
        return self.done[-1]

    async def stop(self, target: Target, seconds: float) -> None:
        """SIGSTOP, then SIGCONT to the same process unless it was killed meanwhile."""

        async def stopped() -> int | None:
            pid = self._site.supervisor.pid(target)  # none while it restarts after an earlier fault
            with suppress(ProcessLookupError):
                if pid is not None:
                    os.kill(pid, signal.SIGSTOP)
                    return pid
            return None

        pid = await until(stopped, seconds=120)
        assert pid is not None
        await asyncio.sleep(seconds)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    async def kill_server(self, target: Target, down_until: Callable[[], Awaitable[None]]) -> None:
        await asyncio.to_thread(self._servers[target].kill)
        try:
            await down_until()
        finally:
            await self._start(target)

    async def fill_disk(self, full_until: Callable[[], Awaitable[None]]) -> None:
        disk, url = self._site.disk, self._site.admin_url
        await asyncio.to_thread(disk.fill, url)
        try:
            await full_until()
        finally:
            await asyncio.to_thread(disk.empty, url)
            # A database that cannot write its log ends; it is restarted when there is disk space again.
            for server in self._servers:
                await self._start(server)

    async def _start(self, target: Target) -> None:
        server = self._servers[target]
        with suppress(EmbeddedServerFailed):  # one that is about to end may do so during the wait
            await asyncio.to_thread(server.start)
            return
        await asyncio.to_thread(server.start)

    async def _trouble_link(self, fault: Fault) -> None:
        link = self._site.links[fault.target]
        await asyncio.to_thread(link.set_fault, LINK_TROUBLES[fault.act])
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(link.set_fault, WELL)

    async def _trouble_server(self, fault: Fault) -> None:
        match fault.act:
            case Act.KILL:
                await self._kill_server(fault)
            case Act.TERMINATE:
                await self._terminate_backends(fault.seconds)
            case Act.IMMEDIATE:
                await self._restart_at_once(fault.seconds)
            case Act.DISK_FULL:
                await self.fill_disk(partial(asyncio.sleep, fault.seconds))
            case _:
                await self._trouble_valkey(fault)

    def _lose_valkey(self) -> None:
        """As by the loss of its machine."""
        self._site.servers.valkey.kill()
        shutil.rmtree(self._site.servers.valkey.data, ignore_errors=True)

    async def _kill_server(self, fault: Fault) -> None:
        if fault.target is Target.VALKEY:
            await asyncio.to_thread(self._lose_valkey)
        else:
            await asyncio.to_thread(self._servers[fault.target].kill)
        await asyncio.sleep(fault.seconds)
        await self._start(fault.target)

    async def _terminate_backends(self, seconds: float) -> None:
        """Terminate all connections of the product, repeatedly."""
        async with await psycopg.AsyncConnection.connect(self._site.admin_url, autocommit=True) as connection:
            for _ in range(max(1, round(seconds / STORM_PAUSE_SECONDS))):
                await connection.execute(_TERMINATE)
                await asyncio.sleep(STORM_PAUSE_SECONDS)

    async def _restart_at_once(self, down_seconds: float) -> None:
        """Send the signal of `pg_ctl stop -m immediate`; the server then recovers from the log."""
        server = self._servers[Target.POSTGRES]
        pid = server.pid
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)

        async def ended() -> bool:
            return server.pid is None

        await until(ended, seconds=90)
        await asyncio.sleep(down_seconds)
        await self._start(Target.POSTGRES)

    async def _trouble_valkey(self, fault: Fault) -> None:
        valkey = valkey_client(self._site.servers.redis_url)
        try:
            if fault.act is Act.PAUSE:
                await valkey.client_pause(round(fault.seconds * 1000), all=True)
                await asyncio.sleep(fault.seconds)
            elif fault.act is Act.FLUSH:
                await valkey.flushall()
            else:
                await valkey.config_set("maxmemory", 1)
                await asyncio.sleep(fault.seconds)
                await valkey.config_set("maxmemory", 0)
        finally:
            await valkey.aclose()

    async def _ensure_target(self, target: Target) -> None:
        """Wait until the target runs again after the previous fault."""

        async def there() -> bool:
            if target in self._servers:
                return await asyncio.to_thread(self._servers[target].answers)
            return target in LINKS or self._site.supervisor.pid(target) is not None

        await until(there, seconds=120)
