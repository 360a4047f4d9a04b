"""A client with an ERP and channels on sandbox systems, and a worker that runs in the test's own loop."""

import base64
import secrets
from asyncio import sleep as pause
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from sqlalchemy import text

from connectors.translation.job_type import TRANSLATE
from connectors.webhooks.directory import HookDirectory
from connectors.webhooks.receive import HookReceiver
from connectors.webhooks.signatures import sign
from connectors.webhooks.writer import IntakeWriter, Stored
from controlplane.jobs import build_jobs
from controlplane.provisioning import NewConnection, connect, onboard_client, onboard_msp, publish_contracts
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.jobs.relay import Relay
from foundation.jobs.worker import LaneWorker
from foundation.scope import Scope
from governance.exceptions.queries import EXCEPTION_COLUMNS, to_exception
from governance.exceptions.schemas import ExceptionView
from tests.connectors.running import TOKEN, RunningSandbox
from tests.support.values import with_minor

IDLE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.25
"""Longest pause between two queries of `until`, because another task may make the query true."""
PATIENCE_SECONDS = 60.0
_JOBS_LEFT = "SELECT lane, kind, key, attempts, ready_at, error FROM job ORDER BY seq LIMIT 10"
_SECONDS_TO_NEXT = """
    SELECT min(CASE WHEN l.lease_until > clock_timestamp() THEN 0 ELSE greatest(0, extract(epoch FROM
               greatest(CASE WHEN j.delayed THEN j.ready_at END, l.paused_until) - clock_timestamp())) END)
      FROM job j LEFT JOIN lane l ON l.tenant_id = j.tenant_id AND l.name = j.lane
     WHERE NOT EXISTS (SELECT FROM lane_share s WHERE s.tenant_id = j.tenant_id AND s.resting)
"""


@dataclass
class ClientEnv:
    services: Services
    scope: Scope
    msp_account: Scope
    erp: UUID
    hook_secret: str
    channels: dict[str, UUID]
    urls: dict[str, str]
    receiver: HookReceiver
    writer: IntakeWriter
    directory: HookDirectory
    relay_db: Database
    version: int = field(default_factory=lambda: int(utc_now().timestamp() * 1_000_000))

    @property
    def own(self) -> dict[str, UUID]:
        """The columns of a row that name its account, for rows of the client."""
        return {"tenant_id": self.scope.tenant_id, "msp_id": self.scope.msp_id}

    async def close(self) -> None:
        await self.writer.stop()
        await self.directory.close()

    async def deliver(
        self, *changes: dict[str, object], message_id: str | None = None, secret: str | None = None
    ) -> Stored:
        """Send one signed webhook of the ERP."""
        body = msgspec.json.encode({"type": "changes", "changes": list(changes)})
        return await self.deliver_bytes(body, message_id=message_id, secret=secret)

    async def deliver_bytes(self, body: bytes, *, message_id: str | None = None, secret: str | None = None) -> Stored:
        now = utc_now()
        headers = sign(
            (secret or self.hook_secret).encode(), message_id=message_id or f"msg_{new_id()}", sent_at=now, body=body
        )
        lowered = {name.lower(): value for name, value in headers.items()} | {"content-type": "application/json"}
        return await self.receiver.receive(str(self.erp), lowered, body, now=now, correlation=f"test-{new_id()}")

    def change(self, sku: str, element: str, amount: int, *, version: int | None = None) -> dict[str, object]:
        self.version += 1
        return {
            "sku": sku,
            "element": element,
            "amount": amount,
            "currency": "" if element.startswith("stock") else "USD",
            "version": self.version if version is None else version,
            "committed_at": utc_now().isoformat(),
        }

    async def work(self, *, rounds: int = 40, settle: float = 0.0, until: str = "") -> None:
        """Run all ready jobs of this tenant.

        `settle` also waits for delayed jobs that become ready within so many seconds; later ones end the wait at once.
        `until`, a query for one boolean, waits until it is true. Only idle seconds are counted, so that slow machines
        run the same jobs.

        Raises:
            AssertionError: `until` is still false after PATIENCE_SECONDS without a job, or the jobs never end.
        """
        job_types = build_jobs(self.services)
        worker = LaneWorker(
            self.services.db, self.services.ready_queue, job_types, pool="shared", metrics=self.services.lane_metrics,
            lease=PATIENCE_SECONDS,
        )  # fmt: skip
        left = PATIENCE_SECONDS if until else settle
        for _ in range(rounds * 50):
            if due := await self._lanes_due():
                for lane in due:
                    await worker.run_lane(self.scope.msp_id, self.scope.tenant_id, lane)
                continue
            if until and (await self.rows(until))[0][0]:
                return
            next_in = await self._seconds_to_next() if left > 0 else None
            if not until and (next_in is None or next_in > left):
                return
            if left <= 0:
                raise AssertionError(f"{until} does not hold; jobs left: {await self.rows(_JOBS_LEFT)}")
            idle = min(next_in or IDLE_SECONDS, LONGEST_PAUSE_SECONDS)
            await pause(idle)
            left -= idle
        raise AssertionError("work never ended")

    async def _lanes_due(self) -> list[str]:
        async with self.relay_db.transaction(None) as session:
            await session.execute(text("SELECT timers_fire()"))
        async with self.relay_db.transaction(None) as session:
            found = await session.execute(text("SELECT * FROM lanes_due()"))
            return [row.name for row in found if row.tenant_id == self.scope.tenant_id]

    async def _seconds_to_next(self) -> float | None:
        """Seconds until the next job is ready, 0 while another worker has it; None without jobs, or while the client is
        suspended.
        """
        ((seconds,),) = await self.rows(_SECONDS_TO_NEXT)
        return None if seconds is None else float(str(seconds))

    async def rows(self, sql: str, **binds: object) -> list[tuple[object, ...]]:
        async with self.services.db.transaction(self.scope) as session:
            return [tuple(row) for row in await session.execute(text(with_minor(sql)), binds)]

    async def exceptions(self, where: str = "id IS NOT NULL") -> list[ExceptionView]:
        """Exceptions with their English sentences, the oldest first."""
        query = f"""
            SELECT {EXCEPTION_COLUMNS} FROM governance_exception e LEFT JOIN connection n ON n.id = e.connection_id
             WHERE e.{where} ORDER BY e.opened_at, e.id
        """
        async with self.services.db.transaction(self.scope) as session:
            return [to_exception(row) for row in await session.execute(text(query))]


def relay_of(env: ClientEnv) -> Relay:
    return Relay(env.relay_db, env.services.ready_queue, metrics=env.services.lane_metrics)


async def build_client_env(
    services: Services,
    relay_db: Database,
    intake_url: str,
    sandbox: RunningSandbox,
    *,
    channels: int = 2,
    skus: int = 20,
    shop_skus: int | None = None,
    market_skus: int | None = None,
    msp_account: Scope | None = None,
) -> ClientEnv:
    """A client of `msp_account`, or of an MSP of its own, with its connections."""
    slug = secrets.token_hex(4)
    if msp_account is None:
        msp_account = await onboard_msp(services, name=f"MSP {slug}", slug=f"msp-{slug}")
    scope = await onboard_client(services, msp_account, name=f"Client {slug}", slug=f"client-{slug}", currency="USD")
    hook_secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    erp_url = sandbox.add("sandbox-erp", skus=skus)
    erp = await connect(
        services, scope, NewConnection("sandbox-erp", "ERP", erp_url, secrets={"webhook_secret": hook_secret})
    )
    ids: dict[str, UUID] = {}
    urls: dict[str, str] = {"erp": erp_url}
    for n in range(channels):
        kind = "sandbox-shop" if n % 2 == 0 else "sandbox-market"
        name = f"{kind.removeprefix('sandbox-')}{n}"
        own = shop_skus if n % 2 == 0 else market_skus
        urls[name] = sandbox.add(kind, skus=skus if own is None else own)
        ids[name] = await connect(services, scope, NewConnection(kind, name, urls[name], secrets={"api_key": TOKEN}))
    await publish_contracts(services, scope, erp)
    directory = HookDirectory(intake_url, services.vault)
    writer = IntakeWriter(intake_url, job_type=TRANSLATE, wake_lanes=services.ready_queue.hint)
    writer.start()
    receiver = HookReceiver(directory, writer, services.registry, new_id)
    return ClientEnv(services, scope, msp_account, erp, hook_secret, ids, urls, receiver, writer, directory, relay_db)


async def second_client(env: ClientEnv) -> str:
    """Another client of the same MSP; returns its short name."""
    slug = f"sibling-{secrets.token_hex(4)}"
    await onboard_client(env.services, env.msp_account, name="Sibling", slug=slug, currency="USD")
    return slug
