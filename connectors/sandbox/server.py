"""One process that serves any number of sandbox systems, each below its own name: /<name>/…"""

import logging
import random
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvicorn

from connectors.sandbox.erp.system import ErpSystem
from connectors.sandbox.faults import WELL, Faults
from connectors.sandbox.http import (
    App,
    Receive,
    Reply,
    Request,
    ResettableProtocol,
    Scope,
    Send,
    System,
    json_reply,
    problem,
    read_request,
    send_reply,
    serve_with_faults,
)
from connectors.sandbox.market.system import MarketSystem
from connectors.sandbox.plan import SystemPlan
from connectors.sandbox.shop.system import ShopSystem
from foundation.clock import Clock
from foundation.decoding import decode_json


class SandboxState:
    """Systems by name. More can be added while serving (PUT /_systems)."""

    def __init__(self, plans: list[SystemPlan], *, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self.systems: dict[str, System] = {}
        for plan in plans:
            self.add(plan)

    def add(self, plan: SystemPlan) -> System:
        """Add a system, replacing one of the same name."""
        rng = random.Random(self._rng.getrandbits(64))  # noqa: S311 (faults, not secrets)
        system: System
        match plan.kind:
            case "sandbox-erp":
                system = ErpSystem(plan, clock=self._clock, rng=rng)
            case "sandbox-shop":
                system = ShopSystem(plan, rng=rng)
            case "sandbox-market":
                system = MarketSystem(plan, rng=rng)
        self.systems[plan.name] = system
        return system

    async def close(self) -> None:
        for system in self.systems.values():
            await system.close()


def create_sandbox_app(state: SandboxState) -> App:
    """An ASGI application. Control endpoints have no sign-in: serve it on loopback only.

    /_systems (GET, PUT), /<name>/_faults (GET, PUT, DELETE), /<name>/_webhook (ERP), /<name>/_effects (channels).
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(state, receive, send)
            return
        name, _, rest = scope["path"][1:].partition("/")
        path = f"/{rest}"
        system = state.systems.get(name)
        if system is not None and not rest.startswith("_"):
            await serve_with_faults(system, scope, receive, send, path)
            return
        request = await read_request(scope, receive, path, WELL)
        try:
            reply = await _control_system(system, request) if system else await _control(state, name, request)
        except msgspec.DecodeError as wrong:
            reply = problem(422, str(wrong))
        await send_reply(send, reply)

    return app


async def _control(state: SandboxState, name: str, request: Request) -> Reply:
    match request.method, name:
        case "GET", "_systems":
            return json_reply({name: system.kind for name, system in state.systems.items()})
        case "PUT", "_systems":
            plan = decode_json(request.body, type=SystemPlan)
            if previous := state.systems.get(plan.name):
                await previous.close()
            state.add(plan)
            return Reply(204)
        case "GET", "_health":
            return Reply(204)
    return problem(404, "There is no such sandbox system.")


async def _control_system(system: System, request: Request) -> Reply:
    match request.method, request.path:
        case "GET", "/_faults":
            return json_reply(system.faults.active)
        case "PUT", "/_faults":
            system.faults.set(decode_json(request.body, type=Faults))
            return Reply(204)
        case "DELETE", "/_faults":
            system.faults.set(WELL)
            return Reply(204)
    return await system.control(request)


async def _live(state: SandboxState, receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await state.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def run_sandbox(
    state: SandboxState,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    uds: Path | None = None,
    ready: Callable[[int], None] | None = None,
) -> None:
    """Serve until cancelled or stopped by a signal. `ready` is called with the bound port (0 for a socket)."""
    config = uvicorn.Config(
        create_sandbox_app(state),
        host=host,
        port=port,
        uds=str(uds) if uds else None,
        http=ResettableProtocol,
        loop="none",
        lifespan="on",
        log_level=logging.CRITICAL,  # faults are intended; no log
        access_log=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    await _Server(config, ready).serve()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[int], None] | None) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._ready is None or not self.started:
            return
        names = [listener.getsockname() for item in self.servers for listener in item.sockets]
        self._ready(next((name[1] for name in names if isinstance(name, tuple)), 0))
