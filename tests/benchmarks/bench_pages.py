"""Lists and dashboards of an MSP with 1,000 clients and ten million recorded rows, compared with those of an empty MSP.

Server time over loopback: the same member's session, one request after the other, alternating between the two MSPs. A
tenth of the rows belongs to the client whose pages are opened. FAIRLEAD_BENCH_EVENTS sets another number of rows.
"""

import asyncio
import os
import statistics
import time
from typing import Final, NamedTuple
from uuid import UUID

import httpx2

from canonical.elements import PRICE
from controlplane.demo.visitor import Visitor
from controlplane.provisioning import NewAccountMember, add_member, onboard_client, onboard_msp
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.scope import Actor, Scope
from governance.fleet.hours import count_change_hours
from tests.benchmarks.brands import give_brand
from tests.benchmarks.recorded import copy_rows, record_changes
from tests.benchmarks.rig import NO_WORK, Client, Rig, batch, change, clients_at_work, deliver, running_rig
from tests.benchmarks.table import Row, at_most

EVENTS: Final = int(os.environ.get("FAIRLEAD_BENCH_EVENTS", "10_000_000"))
CLIENTS: Final = 1_000
ROUNDS: Final = 60
PAGES: Final = {
    "fleet": "/fleet", "inbox": "/inbox", "onboarding": "/onboarding", "overview": "/clients/{c}/overview",
    "changes": "/clients/{c}/changes", "approvals": "/clients/{c}/approvals", "exceptions": "/clients/{c}/exceptions",
    "changes by API": "/api/v1/clients/{c}/changes", "fleet by API": "/api/v1/fleet",
}  # fmt: skip
_PASSWORD: Final = "a calm harbour at dawn"


class _Side(NamedTuple):
    visitor: Visitor
    client: str


def run() -> list[Row]:
    with running_rig() as rig:
        busy = clients_at_work(rig, 1, skus=20)[0]
        asyncio.run(_waiting_work(rig, busy))
        others = rig.run(lambda services: _open_accounts(services, rig, busy))
        rows = _fill(rig, busy, others)
        rig.run(lambda services: _count_hours(services, busy, others))
        times = asyncio.run(_measure(rig, busy))
    return [
        Row(
            f"page {name}: {CLIENTS:,} clients and {rows:,} rows ÷ an empty MSP, p95",
            f"{left / right:.2f} ({left * 1000:.1f} / {right * 1000:.1f} ms)",
            at_most(2.0, left / right),
        )
        for name, (left, right) in times.items()
    ]


async def _waiting_work(rig: Rig, client: Client) -> None:
    """One change that waits for approval, and one unreadable message: an exception."""
    at = utc_now().isoformat()
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{rig.port}", timeout=60) as http:
        await deliver(http, client, batch([change(1, PRICE, 90_000, 5, at)]))
        await deliver(http, client, b'{"type":"changes","changes":[{"sku":7}]}')
    await asyncio.to_thread(rig.wait, "SELECT count(*) FROM approval WHERE state = 'pending'", 1)
    await asyncio.to_thread(rig.wait, "SELECT count(*) FROM governance_exception WHERE state = 'open'", 1)
    await asyncio.to_thread(rig.wait, NO_WORK, 1)


async def _open_accounts(services: Services, rig: Rig, busy: Client) -> list[UUID]:
    """The other clients of the busy MSP, and a quiet MSP with one client; both MSPs have a brand and a member."""
    setup = Actor.system("bench")
    msp = Scope(busy.scope.msp_id, busy.scope.msp_id, setup)
    others = [
        (await onboard_client(services, msp, name=f"Client {n:04}", slug=f"client-{n:04}", currency="USD")).tenant_id
        for n in range(CLIENTS - 1)
    ]
    quiet_msp = await onboard_msp(services, name="Quiet", slug="quiet")
    await onboard_client(services, quiet_msp, name="Client", slug="client", currency="USD")
    for account, name in ((msp, "busy"), (quiet_msp, "quiet")):
        await give_brand(services, account, name=name, port=rig.port)
        admin = NewAccountMember(f"nora@{name}.example", "Nora", _PASSWORD, "msp_admin")
        await add_member(services, account, admin)
    return others


def _fill(rig: Rig, busy: Client, others: list[UUID]) -> int:
    like, pairs = busy.scope.tenant_id, EVENTS // 2
    with rig.owner() as owner:
        rows = record_changes(owner, [like], like=like, each=pairs // 10)
        rows += record_changes(owner, others, like=like, each=max(1, (pairs - pairs // 10) // len(others)))
        copy_rows(owner, "approval", others, like=like, condition="x.state = 'pending'")
        copy_rows(owner, "change", others, like=like, condition="x.state = 'awaiting_approval'")
        copy_rows(owner, "governance_exception", others, like=like, condition="x.state = 'open'")
        owner.execute("VACUUM ANALYZE")
        owner.execute("CHECKPOINT")
    return rows


async def _count_hours(services: Services, busy: Client, others: list[UUID]) -> None:
    """Count hours as each client's repair job does, because the copied rows are older than the clients."""
    for tenant_id in (busy.scope.tenant_id, *others):
        async with services.db.transaction(busy.scope.for_tenant(tenant_id)) as session:
            await count_change_hours(session, utc_now())


async def _measure(rig: Rig, busy: Client) -> dict[str, tuple[float, float]]:
    async with (
        Visitor(f"http://busy.localhost:{rig.port}", rig.port) as left,
        Visitor(f"http://quiet.localhost:{rig.port}", rig.port) as right,
    ):
        await left.sign_in("nora@busy.example", _PASSWORD)
        await right.sign_in("nora@quiet.example", _PASSWORD)
        sides = (_Side(left, rig.slug(busy)), _Side(right, "client"))
        return {name: await _one_page(path, sides) for name, path in PAGES.items()}


async def _one_page(path: str, sides: tuple[_Side, _Side]) -> tuple[float, float]:
    """The p95 of both sides, in seconds, after five requests that warm the caches."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS + 5):
        for side, taken in zip(sides, times, strict=True):
            began = time.perf_counter()
            await side.visitor.page(path.format(c=side.client))
            if number >= 5:
                taken.append(time.perf_counter() - began)
    left, right = (statistics.quantiles(taken, n=20)[18] for taken in times)
    return left, right
