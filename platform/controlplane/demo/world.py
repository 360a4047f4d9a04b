"""The running demonstration: sandbox systems, the product on embedded servers, and an initial published catalogue."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2
import msgspec
from sqlalchemy import text

from controlplane.demo.plan import demo_msps
from controlplane.demo.seed import SKUS, SeededClient, SeededMsp, sandbox_plans, seed_msp
from controlplane.embedded.processes import START_SECONDS
from controlplane.ports import held_port
from controlplane.services import Services, build_services
from controlplane.stack import Stack, answers
from foundation.clock import utc_now
from foundation.errors import Conflict
from foundation.scope import Actor, Scope
from governance.approvals.release import answer_change
from governance.relations import CHANGES, PROPAGATIONS

ANSWER_SECONDS = 30.0
LIVE_SECONDS = 120.0
"""Enough for a slow, busy machine; an ordinary one needs two to four."""


class DemoWorld:
    """Context manager of a demonstration: starts on entry, and ends everything on exit."""

    def __init__(self, root: Path, *, environment: Mapping[str, str], port: int) -> None:
        self._exit = ExitStack()
        self.port = self._exit.enter_context(held_port(port))
        self.sandbox_port = self._exit.enter_context(held_port())
        self.token = secrets.token_urlsafe(16)
        self.stack = Stack(root, environment=environment, outbound_allowed=f"127.0.0.1/32@{self.sandbox_port}")
        self.msps: tuple[SeededMsp, ...] = ()

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def address(self, msp: str) -> str:
        return f"http://{msp}.localhost:{self.port}"

    @property
    def clients(self) -> list[SeededClient]:
        return [client for msp in self.msps for client in msp.clients]

    def __enter__(self) -> Self:
        self._exit.enter_context(self.stack)
        try:
            self._start_sandbox()
            asyncio.run(self._seed())
            self.stack.run_product(port=self.port)
            asyncio.run(self._go_live())
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def _start_sandbox(self) -> None:
        plan = self.stack.root / "sandbox.json"
        plan.touch(mode=0o600)  # contains the sandbox systems' token
        plan.write_bytes(msgspec.json.encode(sandbox_plans(demo_msps(), self.token)))
        port = str(self.sandbox_port)
        self.stack.run_module("sandbox", "connectors.sandbox", "--port", port, "--plan", str(plan))
        self.stack.supervisor.wait_until("sandbox", lambda: answers(f"{self.sandbox}/_health"), seconds=START_SECONDS)

    async def _seed(self) -> None:
        services = build_services(self.stack.settings, pool_size=2, name="fairlead demo")
        try:
            seeded = [
                await seed_msp(services, plan, sandbox=self.sandbox, token=self.token, host=f"{plan.slug}.localhost")
                for plan in demo_msps()
            ]
        finally:
            await services.close()
        self.msps = tuple(seeded)

    async def _go_live(self) -> None:
        """Initial catalogues arrive by poll, their first prices are approved here; later changes arrive by webhook."""
        services = build_services(self.stack.settings, pool_size=2, name="fairlead demo")
        try:
            for client in self.clients:
                await self._point_webhook(client)
            for client in self.clients:
                await _until_live(services, client)
        finally:
            await services.close()

    async def _point_webhook(self, client: SeededClient) -> None:
        target = {"url": f"http://127.0.0.1:{self.port}/hooks/{client.erp}", "secret": client.hook_secret}
        async with httpx2.AsyncClient(timeout=ANSWER_SECONDS) as http:
            url = f"{self.sandbox}/{client.plan.slug}-erp/_webhook"
            (await http.put(url, content=msgspec.json.encode(target))).raise_for_status()


def approver_scope(client: SeededClient) -> Scope:
    actor = Actor(kind="member", id=str(client.approver_id), name=client.approver.name)
    return Scope(msp_id=client.scope.msp_id, tenant_id=client.scope.tenant_id, actor=actor)


async def _until_live(services: Services, client: SeededClient) -> None:
    """Approves in a loop: a price that arrives in a batch before its cost is put up for approval twice."""
    shown, wanted = f"SELECT count(*) FROM {PROPAGATIONS} p WHERE state = 'verified'", SKUS * 2 * len(client.channels)
    deadline = time.monotonic() + LIVE_SECONDS
    while (found := await count(services, client, shown)) < wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{client.plan.name}: {found} of {wanted} values are live after {LIVE_SECONDS:.0f} s")
        with suppress(Conflict):  # superseded after the reading; the next reading gets the new approval
            await approve_waiting(services, client)
        await asyncio.sleep(0.1)


async def approve_waiting(services: Services, client: SeededClient) -> int:
    """Approve all pending changes as the client's approver."""
    async with services.db.transaction(approver_scope(client)) as session:
        waiting = (
            await session.scalars(text(f"SELECT id FROM {CHANGES} c WHERE state = 'awaiting_approval' ORDER BY id"))
        ).all()
        for change_id in waiting:
            await answer_change(session, change_id, grant=True, reason="First price list.", now=utc_now())
    return len(waiting)


async def wait_for(services: Services, client: SeededClient, query: str, wanted: int, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while (found := await count(services, client, query)) < wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{client.plan.name}: {found} of {wanted} after {seconds:.0f} s ({query})")
        await asyncio.sleep(0.1)


async def count(services: Services, client: SeededClient, query: str) -> int:
    async with services.db.transaction(client.scope) as session:
        return int((await session.execute(text(query))).scalar_one())
