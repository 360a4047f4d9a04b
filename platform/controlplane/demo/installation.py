"""The running demonstration: sandbox systems, the product on embedded servers, and an initial published catalogue."""

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import httpx2
import msgspec

from controlplane.demo.onboarding import (
    MSP,
    SLUG,
    OnboardedByHalf,
    onboarding_plans,
    practice_systems,
    record_live,
    seed_onboarding,
    send_first_webhook,
)
from controlplane.demo.plan import demo_msps
from controlplane.demo.progress import approve_until
from controlplane.demo.seed import SKUS, SeededClient, SeededMsp, sandbox_plans, seed_msp
from controlplane.demo.systems import ANSWER_SECONDS, ClientSystems
from controlplane.demo.trade import begin_trade, finish_trade
from controlplane.embedded.processes import START_SECONDS
from controlplane.local_index import hosts_file, write_practice
from controlplane.ports import held_port
from controlplane.services import Services, build_services
from controlplane.stack import Stack, answers
from governance.relations import PROPAGATIONS

_VERIFIED = f"SELECT count(*) FROM {PROPAGATIONS} p WHERE state = 'verified'"


class DemoInstallation:
    """Context manager of a demonstration: starts on entry, and ends everything on exit."""

    def __init__(self, root: Path, *, environment: Mapping[str, str], port: int) -> None:
        self._exit = ExitStack()
        self.port = self._exit.enter_context(held_port(port))
        self.sandbox_port = self._exit.enter_context(held_port())
        self.token = secrets.token_urlsafe(16)
        self.stack = Stack(root, environment=environment, outbound_allowed=f"127.0.0.1/32@{self.sandbox_port}")
        self.msps: tuple[SeededMsp, ...] = ()
        self._half: OnboardedByHalf | None = None
        self.orders: dict[str, str] = {}
        """Number of each client's order, by the client's short name."""

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def address(self, msp: str) -> str:
        return f"http://{msp}.localhost:{self.port}"

    def systems(self, client: SeededClient) -> ClientSystems:
        return ClientSystems(self.sandbox, client.plan.slug, self.token)

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
        plan.write_bytes(msgspec.json.encode([*sandbox_plans(demo_msps(), self.token), *onboarding_plans(self.token)]))
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
            account = next(one.msp_account for one in seeded if one.plan.slug == MSP)
            self._half = await seed_onboarding(services, account, sandbox=self.sandbox, token=self.token)
        finally:
            await services.close()
        self.msps = tuple(seeded)
        write_practice(hosts_file(self.stack.root), practice_systems(self.sandbox, self.token))

    async def _go_live(self) -> None:
        """Initial catalogues arrive by poll, their first prices are approved here; later changes arrive by webhook."""
        services = build_services(self.stack.settings, pool_size=2, name="fairlead demo")
        try:
            for client in self.clients:
                await self._point_webhook(client.plan.slug, client.erp, client.hook_secret)
            await self._begin_onboarding()
            for client in self.clients:
                await approve_until(services, client, _VERIFIED, SKUS * 2 * len(client.channels))
            await asyncio.gather(*(self._trade(services, client) for client in self.clients))
            for client in self.clients:
                await record_live(services, client.scope)
        finally:
            await services.close()

    async def _trade(self, services: Services, client: SeededClient) -> None:
        async with self.systems(client) as systems:
            self.orders[client.plan.slug] = number = await begin_trade(services, client, systems)
            await finish_trade(services, client, systems, number)

    async def _begin_onboarding(self) -> None:
        if self._half is None:
            return
        await self._point_webhook(SLUG, self._half.erp, self._half.hook_secret)
        async with ClientSystems(self.sandbox, SLUG, self.token) as systems:
            await send_first_webhook(systems)

    async def _point_webhook(self, client: str, erp: UUID, hook_secret: str) -> None:
        target = {"url": f"http://127.0.0.1:{self.port}/hooks/{erp}", "secret": hook_secret}
        async with httpx2.AsyncClient(timeout=ANSWER_SECONDS) as http:
            url = f"{self.sandbox}/{client}-erp/_webhook"
            (await http.put(url, content=msgspec.json.encode(target))).raise_for_status()
