"""The complete product: two web processes, two workers, a relay and their servers, under its own supervisor."""

import asyncio
import base64
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import dict_row

from controlplane.embedded.servers import EmbeddedServers
from controlplane.embedded.supervise import Program, Supervisor
from controlplane.ports import held_port
from controlplane.provisioning import NewConnection, connect, onboard_client, onboard_msp, publish_contracts
from controlplane.services import Services, build_services
from controlplane.stack import Stack, answers, default_static
from foundation.scope import Scope
from foundation.settings import Settings, write_environment
from tests.connectors.running import TOKEN, RunningSandbox
from tests.drills.disk import Disk, limited_disk
from tests.drills.plan import WORKERS, Target
from tests.support.faulty_link import FaultyLink, end_of, faulty_link, over
from tests.support.values import with_minor

T = TypeVar("T")
SILENT_SECONDS = 60.0
"""Longer than any stop here, so that a stopped worker returns late instead of being replaced."""
HEALTHY_SECONDS = 2.0
"""Seconds after which a program counts as healthy. Repeated kills would otherwise lengthen the delay of its restart."""


async def until(asked: Callable[[], Awaitable[T]], *, seconds: float) -> T:
    """The first result that is not empty or false.

    Raises:
        TimeoutError: there was none in time.
    """
    async with asyncio.timeout(seconds):
        while not (answer := await asked()):  # noqa: ASYNC110 - it happens in other processes
            await asyncio.sleep(0.05)
    return answer


class Channel(msgspec.Struct, frozen=True):
    kind: str
    id: UUID
    url: str


class Client(msgspec.Struct, frozen=True):
    """A tenant with an ERP, a compare-and-swap shop and a feed market. Its amounts are `parity` modulo 2."""

    name: str
    scope: Scope
    erp: UUID
    hook_secret: str
    channels: tuple[Channel, ...]
    parity: int

    @property
    def shop(self) -> Channel:
        return self.channels[0]

    @property
    def market(self) -> Channel:
        return self.channels[1]


class DrillWebApp:
    """Links connect `web-2` and `worker-2` to the servers, the source to `web-2`, and all workers to the channels."""

    def __init__(
        self, stack: Stack, sandbox: RunningSandbox, ports: tuple[int, int], links: dict[Target, FaultyLink], disk: Disk
    ) -> None:
        assert stack.servers is not None
        self.stack = stack
        self.servers: EmbeddedServers = stack.servers
        self.supervisor = stack.supervisor
        self.sandbox = sandbox
        self.addresses = tuple(f"http://127.0.0.1:{port}" for port in ports)
        self.links = links
        self.disk = disk
        self.admin_url = self.servers.database_url(dbname="fairlead")

    async def wait_until_ready(self, *, seconds: float = 120) -> None:
        for address in self.addresses:
            await until(lambda url=f"{address}/readyz": asyncio.to_thread(answers, url), seconds=seconds)  # type: ignore[misc]

    async def add_client(self, *, skus: int, parity: int = 0) -> Client:
        slug = secrets.token_hex(4)
        async with self.services() as services:
            msp_account = await onboard_msp(services, name=f"MSP {slug}", slug=f"msp-{slug}")
            scope = await onboard_client(services, msp_account, name=f"Client {slug}", slug=f"c-{slug}", currency="USD")
            secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
            url = f"{self.sandbox.base_url}/none"  # the load sends webhooks, not a sandbox ERP
            erp = await connect(
                services, scope, NewConnection("sandbox-erp", "ERP", url, secrets={"webhook_secret": secret})
            )
            channels = []
            for kind, delay in (("sandbox-shop", 0.0), ("sandbox-market", 0.05)):
                url = self.sandbox.add(kind, skus=skus, delay_seconds=delay)
                new = NewConnection(kind, kind, self._linked(url), secrets={"api_key": TOKEN})
                channels.append(Channel(kind, await connect(services, scope, new), url))
            await publish_contracts(services, scope, erp)
        return Client(slug, scope, erp, secret, tuple(channels), parity)

    def _linked(self, url: str) -> str:
        """A channel's address over the link."""
        return urlsplit(url)._replace(netloc=f"127.0.0.1:{self.links[Target.TO_CHANNELS].port}").geturl()

    @asynccontextmanager
    async def services(self) -> AsyncIterator[Services]:
        built = build_services(self.stack.settings, pool_size=2, name="drill")
        try:
            yield built
        finally:
            await built.close()

    async def rows(self, sql: str, **binds: object) -> list[dict[str, Any]]:
        """Rows as the superuser: those of every tenant."""
        async with await psycopg.AsyncConnection.connect(
            self.admin_url, autocommit=True, row_factory=dict_row
        ) as found:
            return await (await found.execute(with_minor(sql), binds)).fetchall()

    async def wait_for(self, sql: str, *, seconds: float = 120, **binds: object) -> list[dict[str, Any]]:
        """Rows of `sql`, once there are any."""
        return await until(lambda: self.rows(sql, **binds), seconds=seconds)

    @asynccontextmanager
    async def locked(self, sql: str, **binds: object) -> AsyncIterator[None]:
        """Hold the rows that `sql` locks."""
        async with await psycopg.AsyncConnection.connect(self.admin_url) as connection:
            await connection.execute(sql, binds)
            yield
            await connection.rollback()

    def pid(self, target: Target) -> int:
        pid = self.supervisor.pid(target)
        assert pid is not None, f"{target} does not run"
        return pid

    async def holder(self, lane: str, *, seconds: float = 90) -> Target:
        """The worker that holds `lane`, as soon as there is one."""

        async def held() -> Target | None:
            workers = {self.supervisor.pid(target): target for target in WORKERS}
            rows = await self.rows(
                "SELECT holder FROM lane"
                " WHERE name = %(lane)s AND holder IS NOT NULL AND lease_until > clock_timestamp()",
                lane=lane,
            )
            return next((workers.get(int(row["holder"].rpartition(":")[2])) for row in rows), None)

        found = await until(held, seconds=seconds)
        assert found is not None
        return found

    def signal(self, target: Target, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid(target), number)

    def has_logged(self, target: Target, event: str, about: str) -> bool:
        """Whether a line of the program's log contains both texts."""
        lines = self.supervisor.log(target).read_text(errors="replace").splitlines()
        return any(event in line and about in line for line in lines)

    async def proven(self, client: Client, sku: str, amount: int, *, seconds: float = 120) -> datetime:
        """Time at which the last channel was read with the value."""
        found = await self.wait_for(
            """
            SELECT max(verified_at) AS at FROM propagation
             WHERE tenant_id = %(t)s AND record_key = %(sku)s AND minor(value) = %(amount)s AND state = 'verified'
            HAVING count(*) = %(channels)s
            """,
            seconds=seconds,
            t=client.scope.tenant_id,
            sku=sku,
            amount=amount,
            channels=len(client.channels),
        )
        at: datetime = found[0]["at"]
        return at

    def effects(self, channel: Channel, sku: str) -> list[dict[str, Any]]:
        """Values that became visible there, oldest first."""
        log: list[dict[str, Any]] = self.sandbox.effects(channel.url)["log"]  # type: ignore[assignment]
        return [effect for effect in log if effect["sku"] == sku]

    def received(self, channel: Channel, key: str) -> int:
        """Number of writes received with this idempotency key."""
        counts: dict[str, int] = self.sandbox.effects(channel.url)["received_by_key"]  # type: ignore[assignment]
        return counts.get(key, 0)


@contextmanager
def running_web_app(root: Path, sandbox: RunningSandbox) -> Iterator[DrillWebApp]:
    stack = Stack(root, environment={}, outbound_allowed="127.0.0.0/8", silent_seconds=SILENT_SECONDS)
    stack.supervisor = Supervisor(root / "logs", on_crash=stack.crashes.append, healthy_seconds=HEALTHY_SECONDS)
    with limited_disk(root / "servers") as disk, stack, ExitStack() as opened:
        assert stack.servers is not None
        ports = (opened.enter_context(held_port()), opened.enter_context(held_port()))
        address = urlsplit(sandbox.base_url)
        ends: dict[Target, tuple[str, int] | str] = {
            Target.TO_CHANNELS: (address.hostname or "", address.port or 0),
            Target.TO_POSTGRES: end_of(stack.servers.database_url()),
            Target.TO_VALKEY: str(stack.servers.paths.valkey_socket),
            Target.TO_WEB: ("127.0.0.1", ports[1]),
        }
        links = {target: opened.enter_context(faulty_link(end)) for target, end in ends.items()}
        stack.run_product(port=ports[0])
        environment = write_environment(_over(links, stack.settings))
        web_2 = ("web", "--port", str(ports[1]), "--static", str(default_static()))
        for name, arguments in ((Target.WEB_2, web_2), (Target.WORKER_2, ("worker",))):
            argv = (sys.executable, "-m", "controlplane", *arguments)
            stack.supervisor.start(Program(name=name, argv=argv, env=environment, silent_seconds=SILENT_SECONDS))
        web_app = DrillWebApp(stack, sandbox, (ports[0], links[Target.TO_WEB].port), links, disk)
        asyncio.run(web_app.wait_until_ready())
        yield web_app


def _over(links: dict[Target, FaultyLink], settings: Settings) -> Settings:
    """The same servers, reached over the links."""
    link = links[Target.TO_POSTGRES]
    return msgspec.structs.replace(
        settings,
        app_url=over(link, settings.app_url),
        intake_url=over(link, settings.intake_url),
        relay_url=over(link, settings.relay_url),
        redis_url=f"redis://127.0.0.1:{links[Target.TO_VALKEY].port}/0",
    )
