"""Environment of the benchmarks: the product's processes on durable servers, sandbox systems, and clients."""

import asyncio
import base64
import json
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import httpx2
import psycopg

from canonical.elements import COST, PRICE
from connectors.webhooks.signatures import sign
from controlplane.embedded.supervise import Program
from controlplane.provisioning import NewConnection, connect, onboard_client, onboard_msp, publish_contracts
from controlplane.services import Services, build_services
from controlplane.stack import Stack, answers
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from foundation.settings import write_environment
from policy.packaged import starter_rules
from policy.publishing import publish_rules
from policy.rules import PolicyRule, RuleKind
from tests.connectors.running import TOKEN, RunningSandbox
from tests.support.jobs import job_type
from tests.support.ports import free_port

Starts = dict[str, list[tuple[float, float]]]  # by tenant: (enqueued at, seconds until its start)
T = TypeVar("T")
FIRST_PRICE = 10_000
WAIT = job_type("bench.wait")
NO_WORK = "SELECT 1 - count(*) FROM (SELECT FROM job LIMIT 1) AS rest"


@dataclass(frozen=True)
class Client:
    """One client with an ERP and shops, and the address and secret for sending its webhooks."""

    scope: Scope
    erp: UUID
    hook_secret: str
    channels: tuple[UUID, ...]
    shop_urls: tuple[str, ...]

    @property
    def path(self) -> str:
        return f"/hooks/{self.erp}"


class Rig:
    """Started by `running_rig`. Its folder, servers and processes end with the block."""

    def __init__(self, stack: Stack, sandbox: RunningSandbox) -> None:
        self.stack = stack
        self.sandbox = sandbox
        self.port = 0

    def start_product(self) -> None:
        self.port = free_port(0)
        self.stack.run_product(port=self.port)

    def start_reference(self, name: str, database: str) -> int:
        """Start a process of `tests.benchmarks.bare`; returns its port once it listens."""
        port = free_port(0)
        self.stack.run_module(name, "tests.benchmarks.bare", str(port), database)
        self.stack.supervisor.wait_until(name, lambda: _listens(port), seconds=30)
        return port

    @property
    def database(self) -> str:
        """Address of the superuser of the embedded server."""
        assert self.stack.servers is not None
        return self.stack.servers.database_url(dbname="fairlead")

    def run(self, use: Callable[[Services], Awaitable[T]]) -> T:
        """Run `use` with the product's services, in an event loop of its own."""

        async def with_services() -> T:
            services = build_services(self.stack.settings, pool_size=8, name="fairlead bench")
            try:
                return await use(services)
            finally:
                await services.close()

        return asyncio.run(with_services())

    def owner(self) -> "psycopg.Connection[tuple[object, ...]]":
        """Connection of the embedded server's superuser, which counts rows of all tenants."""
        return psycopg.connect(self.database, autocommit=True)

    def count(self, sql: str, *binds: object) -> int:
        with self.owner() as connection:
            return _number(connection, sql, binds)

    def slug(self, client: Client) -> str:
        """The client's name in addresses."""
        with self.owner() as connection:
            row = connection.execute(
                "SELECT slug FROM client WHERE tenant_id = %s", [client.scope.tenant_id]
            ).fetchone()
        assert row is not None
        return str(row[0])

    def wait(self, sql: str, wanted: int, *binds: object, seconds: float = 60.0, every: float = 0.05) -> float:
        """Wait until the count is reached; returns the wall-clock time at which it was observed.

        Raises:
            TimeoutError: it was not reached.
        """
        deadline = time.monotonic() + seconds
        with self.owner() as connection:
            while (found := _number(connection, sql, binds)) < wanted:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{found} of {wanted} after {seconds:.0f} s: {sql}")
                time.sleep(every)
        return time.time()


def _number(connection: "psycopg.Connection[tuple[object, ...]]", sql: str, binds: tuple[object, ...]) -> int:
    row = connection.execute(sql, binds).fetchone()
    assert row is not None
    return int(str(row[0]))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running_rig(*, kills: bool = False) -> Iterator[Rig]:
    """`kills`: processes are killed intentionally, so a crash does not fail the run."""
    folder = Path(tempfile.mkdtemp(prefix="fairlead-bench-"))
    sandbox_port = free_port(0)
    try:
        with Stack(folder, environment={}, outbound_allowed=f"127.0.0.1/32@{sandbox_port}") as stack:
            plan = folder / "sandbox.json"
            plan.write_text("[]")
            stack.run_module("sandbox", "connectors.sandbox", "--port", str(sandbox_port), "--plan", str(plan))
            health = f"http://127.0.0.1:{sandbox_port}/_health"
            stack.supervisor.wait_until("sandbox", lambda: answers(health), seconds=30)
            sandbox = RunningSandbox(sandbox_port)
            yield Rig(stack, sandbox)
            sandbox.close()
            if stack.crashes and not kills:
                raise RuntimeError(f"a process ended by itself during the measurement: {stack.crashes[0]}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def recording_worker(rig: Rig, name: str, *arguments: str) -> Iterator[Starts]:
    """A worker of the benchmarks, by its module. The recording is filled in at the end of the block."""
    results = rig.stack.root / f"{name}-{'-'.join(arguments)}.json"
    argv = (sys.executable, "-m", f"tests.benchmarks.{name}", str(results), *arguments)
    environment = write_environment(rig.stack.settings)
    rig.stack.supervisor.start(Program(name=results.stem, argv=argv, env=environment, restart=False))
    done: Starts = {}
    yield done
    rig.stack.supervisor.stop(results.stem)
    done.update(json.loads(results.read_text()))


def new_tenant() -> Scope:
    """A tenant for jobs in lanes only, without rows of an account."""
    tenant = new_id()
    return Scope(msp_id=tenant, tenant_id=tenant, actor=Actor.system("bench"))


def clients_at_work(rig: Rig, count: int, *, skus: int) -> list[Client]:
    """The running product with clients that have a live price for every SKU."""
    rig.start_product()

    async def begin(services: Services) -> list[Client]:
        clients = [await make_client(services, rig.sandbox, skus=skus) for _ in range(count)]
        for client in clients:
            await publish_prices(services, rig, client, skus=skus)
        return clients

    return rig.run(begin)


async def make_client(services: Services, sandbox: RunningSandbox, *, shops: int = 1, skus: int = 20) -> Client:
    slug = secrets.token_hex(4)
    msp_account = await onboard_msp(services, name=f"MSP {slug}", slug=f"msp-{slug}")
    scope = await onboard_client(services, msp_account, name=f"Client {slug}", slug=f"client-{slug}", currency="USD")
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    erp_url = sandbox.add("sandbox-erp")
    erp = await connect(
        services, scope, NewConnection("sandbox-erp", "ERP", erp_url, secrets={"webhook_secret": secret})
    )
    urls = tuple(sandbox.add("sandbox-shop", skus=skus) for _ in range(shops))
    channels = [
        await connect(services, scope, NewConnection("sandbox-shop", url, url, secrets={"api_key": TOKEN}))
        for url in urls
    ]
    await publish_contracts(services, scope, erp)
    return Client(scope, erp, secret, tuple(channels), urls)


def sku(n: int) -> str:
    return f"SKU-{n:03}"


def change(n: int, element: str, amount: int, version: int, at: str) -> str:
    """One change in the sandbox ERP's format, as JSON."""
    return (
        f'{{"sku":"{sku(n)}","element":"{element}","amount":{amount},"currency":"USD","version":{version},'
        f'"committed_at":"{at}"}}'
    )


def batch(changes: Sequence[str]) -> bytes:
    return f'{{"type":"changes","changes":[{",".join(changes)}]}}'.encode()


async def publish_prices(services: Services, rig: Rig, client: Client, *, skus: int) -> None:
    """Publishes a first price of every SKU end to end, then the starter policy.

    The starter policy requires approval of first prices, so a rule that passes them is in force meanwhile.
    """
    starter = starter_rules(str(client.scope.tenant_id))
    opening = PolicyRule(
        "first-price", RuleKind("p2"), "*", str(client.scope.tenant_id), PRICE, "auto", "r.ctx.new_minor >= 0"
    )
    passing = [rule for rule in starter if rule.obj != PRICE] + [opening]
    async with services.db.transaction(client.scope) as session:
        await publish_rules(session, client.scope, rules=passing, clock=utc_now, new_id=new_id)
    at = utc_now().isoformat()
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{rig.port}", timeout=60) as http:
        for start in range(0, skus, 250):
            part = range(start, min(skus, start + 250))
            body = batch(
                [change(n, COST, FIRST_PRICE // 2, 1, at) for n in part]
                + [change(n, PRICE, FIRST_PRICE, 1, at) for n in part]
            )
            await deliver(http, client, body)
    await asyncio.to_thread(
        rig.wait,
        "SELECT count(*) FROM propagation WHERE tenant_id = %s AND state = 'verified'",
        skus * len(client.channels),
        client.scope.tenant_id,
    )
    async with services.db.transaction(client.scope) as session:
        await publish_rules(session, client.scope, rules=starter, clock=utc_now, new_id=new_id)


async def deliver(http: "httpx2.AsyncClient", client: Client, body: bytes) -> None:
    headers = sign(client.hook_secret.encode(), message_id=f"m_{new_id()}", sent_at=utc_now(), body=body)
    reply = await http.post(client.path, content=body, headers={**headers, "content-type": "application/json"})
    if reply.status_code != 202:
        raise RuntimeError(f"a webhook was answered {reply.status_code}: {reply.text}")


def quantile(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
